# SPDX-License-Identifier: Apache-2.0
# Sourced by cluster_*.sh: a cluster of this test's own, the tiny model, a recipe; and checks that say what they saw.
#   source cluster_lib.sh BUILD_FOLDER
set -euo pipefail
build=$1
program=$build/bin/peft-studio
make_tiny_model=$build/bin/make-tiny-model
source tools/lib/tiny_chats.sh

# Below the build folder, which all nodes see; every node has a /tmp of its own.
mkdir -p "$build/e2e"
work=$(mktemp -d "$build/e2e/cluster-XXXXXX")
state=$(mktemp -d -u "${XDG_RUNTIME_DIR:-/tmp}/pst-e2e-XXXXXX")
source "$(dirname -- "${BASH_SOURCE[0]}")/events_lib.sh"
cluster() { bash tools/local-cluster --dir "$state" "$@"; }
finish_cluster() {
  local status=$?
  trap - EXIT INT TERM
  if ((status != 0 && status != 77)); then show_logs; fi
  cluster down >/dev/null
  ((status != 0)) || rm -rf "$work"  # kept after a failure
  exit "$status"
}
trap finish_cluster EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

show_logs() {
  local log
  for log in "$work"/runs/*/slurm-*.log "$work"/runs/*/events.jsonl "$state"/slurmctld.log "$state"/nodes/n[12]/slurmd.log; do
    [[ ! -s $log ]] || { echo "== the end of $log"; tail -n 15 "$log"; }
  done
  echo "kept: $work"
}

start_cluster() {
  local out status=0
  out=$(cluster up --nodes 4 --cpus-per-node 1 2>&1) || status=$?
  if ((status == 69)); then echo "skipped: $out"; exit 77; fi
  ((status == 0)) || die "the cluster has not come up: $out"
}

# A recipe for two nodes: tiny_recipe [KEY: VALUE lines of section slurm]. Trains `steps` steps on 24 chats.
tiny_recipe() {
  "$make_tiny_model" "$work/model"
  tiny_chats 24 >"$work/chats.jsonl"
  cat >"$work/recipe.yaml" <<RECIPE
name: tiny
model: { path: $work/model }
adapter: { type: lora, r: 4, alpha: 8, target_modules: all-linear }
data:
  train: [ { path: $work/chats.jsonl, format: chat } ]
  validation_fraction: 0.2
  max_length: 128
  packing: false
train: { epochs: 100000, max_steps: ${steps:-6}, micro_batch_size: 1, global_batch_size: 4, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
slurm:
  nodes: 2
  ranks_per_node: 1
  time: 00:30:00
${1:-}
output_dir: $work/runs
RECIPE
}

# The one run directory of this test.
the_run() {
  local runs=("$work"/runs/tiny-*)
  [[ ${#runs[@]} == 1 && -d ${runs[0]} ]] || die "expected one run in $work/runs, have: ${runs[*]}"
  echo "${runs[0]}"
}

# No process of the workers is left anywhere in the cluster.
no_worker_left() { ! cluster run -- pgrep -f peft-studio-worker >/dev/null; }
queue_empty() { [[ -z $(cluster run -- squeue --noheader) ]]; }
