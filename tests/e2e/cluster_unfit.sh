#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cannot work is told in one line that names the node, at once, and leaves nothing running: a worker of another
# version on one node, a clock off by an hour, a full scratch, two ranks on one GPU, the wrong number of tasks.
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"
start_cluster
worker=$(realpath "$build/bin/peft-studio-worker")
version=$("$worker" --version); version=${version%% *}

# A worker for each case: on n2 something is wrong.
case_worker() {  # NAME SHELL-COMMANDS: they run on n2 before the worker does
  printf '#!/bin/bash\n[[ $SLURMD_NODENAME == n1 ]] || { %s; }\nexec "${real:-%s}" "$@"\n' "$2" "$worker" >"$work/$1"
  chmod +x "$work/$1"
}
other=$(sed 's/[0-9a-f]/9/g' <<<"$version")
[[ $other != "$version" ]] || die "the version $version cannot be changed"
sed "s/${version//./\\.}/$other/g" "$worker" >"$work/other-worker"
chmod +x "$work/other-worker"
case_worker other_version "real=$work/other-worker"
case_worker wrong_clock "export LD_PRELOAD=$(realpath "$build"/lib/libwrong_clock.so) PST_CLOCK_OFFSET=3600"
case_worker full_scratch "mkdir -p /tmp/full; mount -t tmpfs -o size=16k none /tmp/full; head -c 20000 /dev/zero >/tmp/full/x 2>/dev/null; export TMPDIR=/tmp/full"

# refused NAME STATUS WORDS
refused() {
  local name=$1 wanted=$2 words=$3 status=0 begin said took run
  rm -rf "$work/runs"
  steps=6 tiny_recipe "  shrink: false
  nodelist: 'n[1-2]'"
  said=$(PST_WORKER=$work/$name timeout -s KILL "$await_s" bash tools/local-cluster --dir "$state" run -- "$program" submit "$work/recipe.yaml" --follow 2>&1 </dev/null) || status=$?
  run=$(the_run)
  # from the start of the workers to the run's end, by the events' own clock
  took=$(sed -n 's/.*"t": *"\([^"]*\)".*"event": *"\(started\|failed\)".*/\1/p' "$run/events.jsonl" | while read -r t; do date -d "$t" +%s.%N; done | sort | sed -n '1p;$p' | paste -sd' ' | awk '{printf "%.1f", $2-$1}')
  echo "$name: status $status after $took s: $(grep -o 'error\[.*\|reason.*' <<<"$said" | head -n 1)"
  check "$name ended with $status, not $wanted" test "$status" = "$wanted"
  grep -q "$words" <<<"$said" || die "$name does not say '$words': $said"
  # Ranks that were waited for in vain would be given up after 30 s (Patience::come_within).
  check "$name took $took s" awk "BEGIN { exit !($took < 30) }"
  check "$name was tried more than once" test ! -e "$run/attempts/0002"
  await "the workers of $name to be gone" no_worker_left
}

refused other_version 64 "the worker on n2 is version $other, that on n1 $version"
refused wrong_clock 69 "the clock of n2 is 1 h 00 min ahead"
refused full_scratch 69 "cannot write to /tmp/full on n2: No space left on device"

# With a spare the unfit node is passed over.
rm -rf "$work/runs"
steps=6 tiny_recipe "  spares: 1
  nodelist: 'n[1-3]'"
PST_WORKER=$work/wrong_clock timeout -s KILL "$await_s" bash tools/local-cluster --dir "$state" run -- "$program" submit "$work/recipe.yaml" --follow >"$work/spare.out" 2>&1 </dev/null ||
  { cat "$work/spare.out"; die "a spare node did not help"; }
check "n2 is not blamed" grep -q '"blamed": "n2"' "$(the_run)/attempts/0001/attempt.json"

# By hand, as somebody might who edits scripts: three tasks where the attempt has two, and two ranks on one GPU.
run=$(the_run)
status=0
said=$(cluster run -- srun --mpi=pmix --ntasks=3 "$worker" train --run "$run" --attempt 2 2>&1 </dev/null) || status=$?
check "three tasks end with $status" test "$status" = 64
check "three tasks: $said" grep -q "3 ranks were started, and this run was to start with 2" <<<"$said"
status=0
said=$(cluster run -- srun --mpi=pmix --nodes=1 --ntasks=2 --overcommit env SLURM_STEP_GPUS=0 "$worker" train --run "$run" --attempt 2 2>&1 </dev/null) || status=$?
check "a shared GPU ends with $status" test "$status" = 64
check "a shared GPU: $said" grep -q "2 ranks on n1 would share 1 GPU" <<<"$said"
