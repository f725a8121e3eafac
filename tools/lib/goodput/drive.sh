# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/goodput: the job, the reference run, and one fault after another at times that a seed decides.
# Reads program, work, out, state, minutes, period, seed; writes $out/faults.tsv and $out/window. What breaks what:
# tools/lib/faults/inject.sh; how a run's records are read while it goes on: tools/lib/faults/watch.sh.

# Of twelve faults of a job of two nodes and a spare. Most of what ends a training job kills a process (a device that fails, memory
# that runs out, a bug); a machine dies or a link fails less often, and of three nodes that die one is the job's first.
kinds_of_twelve=(rank-killed rank-killed rank-killed rank-killed rank-stopped rank-stopped link-cut link-cut
  node-killed node-killed batch-host-killed slurmstepd-killed)

# Lines "second kind" for so many seconds: one fault in every period, at a random moment of its middle half, so that it has
# time to be mended; every twelve in another order. Without a subshell around RANDOM, which would forget the seed.
write_schedule() {
  local i j length=$1 deck=() other
  RANDOM=$seed
  for ((i = 0; (i + 1) * period <= length; i++)); do
    if ((i % 12 == 0)); then
      deck=("${kinds_of_twelve[@]}")
      for ((j = 11; j > 0; j--)); do
        other=$((RANDOM % (j + 1)))
        set -- "${deck[j]}" "${deck[other]}"
        deck[j]=$2 deck[other]=$1
      done
    fi
    echo "$((i * period + period / 4 + RANDOM % (period / 2))) ${deck[i % 12]}"
  done >"$out/schedule"
}

write_goodput_recipe() {
  "$build/bin/make-tiny-model" "$work/model" --layers "$layers" --hidden 384 --heads 6 --kv-heads 3 --head-dim 64 --intermediate 1024 >/dev/null
  tiny_chats 40 >"$work/chats.jsonl"
  cat >"$work/recipe.yaml" <<RECIPE
name: goodput
model: { path: $work/model }
adapter: { r: 8, alpha: 16, dropout: 0.05, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 128, packing: false }
train: { epochs: 1000000, max_steps: 100000, micro_batch_size: 1, global_batch_size: 4, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-4 }
evaluate: { every_steps: 500 }
checkpoint: { every_minutes: $save_minutes, milestone_steps: 100 }
slurm: { nodes: 2, ranks_per_node: 1, spares: 1, time: 04:00:00, max_restarts: 1000 }
output_dir: $work/runs
RECIPE
}

# submit_goodput FOLDER: sets run, once it has made its first step.
submit_goodput() {
  cluster run -- env OMPI_MCA_mpi_yield_when_idle=1 "$program" submit "$work/recipe.yaml" --set "output_dir=$1" >"$out/submit.log" 2>&1 ||
    fail "submit failed: $(tail -n 2 "$out/submit.log")"
  run=$(ls -td "$1"/goodput-* | head -n 1)
  local until=$((SECONDS + 120))
  until (($(last_step) > 0)); do
    ((SECONDS < until)) || fail "no step in 120 s; see $run/events.jsonl"
    sleep 0.2
  done
}

sleep_until() { sleep "$(awk -v a="$(now)" -v b="$1" 'BEGIN { print (b > a) ? b - a : 0 }')"; }

# timed_fault KIND: injects, waits for a step beyond those seen, repairs, writes a line.
timed_fault() {
  local kind=$1 began before tries=0 fresh='' outcome=recovered until
  until began=$(now) && before=$(last_step) && "inject_${kind//-/_}"; do
    # Between two states of the run there is nothing to hit.
    ((++tries < 20)) || { outcome='nothing to hit'; break; }
    sleep 1
  done
  until=$((SECONDS + 180))
  while [[ $outcome == recovered ]]; do
    fresh=$(new_step $((before + 3)) "$began") && break
    ((SECONDS < until)) || { outcome='no new step in 180 s'; break; }
    sleep 0.5
  done
  heal "$kind"
  printf '%s\t%s\t%s\t%s\n' "$kind" "$began" "$before" "$outcome" | tee -a "$out/faults.tsv" >&2
}

# The window of the measurement: begins with the job at work, ends when so many seconds have passed.
disturb() {
  local length=$((60 * minutes)) began at kind
  began=$(now)
  printf 'kind\tinjected\tstep\toutcome\n' >"$out/faults.tsv"
  if [[ -n $schedule ]]; then cp "$schedule" "$out/schedule"; else write_schedule "$length"; fi
  RANDOM=$seed
  while read -r at kind <&3; do
    sleep_until "$(awk -v a="$began" -v b="$at" 'BEGIN { printf "%.3f", a + b }')"
    timed_fault "$kind"
  done 3<"$out/schedule"
  sleep_until "$(awk -v a="$began" -v b="$length" 'BEGIN { printf "%.3f", a + b }')"
  printf '%s %s\n' "$began" "$(now)" >"$out/window"
}
