#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A sweep of six runs as one job array: never more at once than it may, every run with the bits it has alone, the table with the
# best one, and what `sweep.json` says of it.
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"
start_cluster
steps=20 tiny_recipe
sed -i 's/nodes: 2/nodes: 1/' "$work/recipe.yaml"
cat >>"$work/recipe.yaml" <<'SWEEP'
sweep:
  parameters: { optimizer.lr: [1.0e-3, 5.0e-3], adapter.r: [2, 4, 8] }
  max_parallel: 2
SWEEP

# One wrong value, and nothing is submitted or made.
status=0
said=$(cluster run -- "$program" submit "$work/recipe.yaml" --set 'sweep.parameters={adapter.r: [8, -1]}' 2>&1 </dev/null) || status=$?
check "a wrong value ended with $status: $said" test "$status" = 64
check "the wrong value is not named: $said" grep -q 'adapter.r is -1' <<<"$said"
check "something was made: $(ls "$work/runs" 2>/dev/null)" test ! -e "$work/runs"

hold 10
cluster run -- "$program" submit "$work/recipe.yaml" </dev/null
sweep=$(the_run)
job=$(sed -nE 's/.*"event":"submitted","job_id":"([0-9]+)_0".*/\1/p' "$sweep/0/events.jsonl")
check "the array has no limit of 2" bash -c 'grep -q ArrayTaskThrottle=2 <<<"$1"' bash "$(cluster run -- scontrol show job "$job")"
await_held 10 2
others_wait_for_their_turn() { cluster run -- squeue --noheader --states=PENDING --format=%r | grep -qx JobArrayTaskLimit; }
await "the others in the queue" others_wait_for_their_turn
running=$(cluster run -- squeue --noheader --array --states=RUNNING | wc -l)
check "$running runs are at work at once, not 2" test "$running" = 2
let_go 10
await "the end of the sweep" queue_empty

said=$(cluster run -- "$program" status "$sweep" </dev/null)
echo "$said"
check "not all are completed" grep -q '^6 runs: 6 completed$' <<<"$said"
least=$(for i in 0 1 2 3 4 5; do sed -nE "s/.*\"validation_loss_after\": *([0-9.e-]+).*/\1 $i/p" "$sweep/$i/completed.json"; done | sort -g | head -n 1)
check "the best is not run ${least#* }" grep -q "^best: run ${least#* }, " <<<"$said"
check "sweep.json has another best" grep -q "\"best\": \"${least#* }\"" "$sweep/sweep.json"
check "status --json has another best" bash -c '"$1" status --json "$2" | grep -q "\"best\": \"$3\""' bash "$program" "$sweep" "${least#* }"
check "the log of an element is not with its run" test -s "$sweep/4/slurm-${job}_4.log"

"$program" train "$work/recipe.yaml" --set sweep=null --set optimizer.lr=5.0e-3 --set adapter.r=4 --set "output_dir=$work/alone" >/dev/null </dev/null
check "run 4 has other bits than the same recipe alone" \
  cmp "$sweep/4/adapter/adapter_model.safetensors" "$(echo "$work"/alone/tiny-*)/adapter/adapter_model.safetensors"
status=0; cluster run -- "$program" cancel "$sweep" </dev/null 2>/dev/null || status=$?
check "cancelling a sweep that is over ended with $status" test "$status" = 64
await "workers gone" no_worker_left
