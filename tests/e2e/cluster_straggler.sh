#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Something else computes on the core of n2's rank: the report names that rank and its node as the straggler, and nobody else.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
(($(nproc) >= 2)) || { echo "skipped: both ranks would share the one core of this machine"; exit 77; }
steps=250 tiny_recipe
tiny_chats 32 >"$work/chats.jsonl"  # two steps of 16 rows make an epoch, and every one is full
start_cluster
hold 2
submit --set train.global_batch_size=16 --set data.validation_fraction=0
await_held 2

# The first two cores that this test may use: one for each rank, the second also for those that disturb.
mapfile -t cores < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0))[:2], sep="\n")')
for pid in $(pid_on n1); do cluster run -- taskset -a -p -c "${cores[0]}" "$pid" >/dev/null; done  # srun as well
for pid in $(pid_on n2); do cluster run -- taskset -a -p -c "${cores[1]}" "$pid" >/dev/null; done
for _ in 1 2 3 4; do  # each a session of its own: Linux shares a core out among sessions first (sched_autogroup)
  setsid taskset -c "${cores[1]}" bash -c 'while [[ -d $1 && ! -e $1/completed.json ]] && ((SECONDS < 120)); do for ((i = 0; i < 20000; ++i)); do :; done; done' bash "$run" &
done
let_go 2
await "completion" completed
wait

"$program" report "$run" -o "$work/report" | tee "$work/report.out"
check "n2 is not named: $(cat "$work/report.out")" grep -q '^straggler rank 1 on node n2' "$work/report.out"
check "n1 is named" bash -c '! grep -q "^straggler.*on node n1" "$1"' bash "$work/report.out"
check "not everything is covered" grep -q '^covered   2 of 2 node files, 1 of 1 attempts' "$work/report.out"
check "no page" test -s "$work/report/report.html"
check "it is not in the JSON" python3 - "$work/report/report.json" <<'JUDGE'
import json, sys
report = json.load(open(sys.argv[1]))
(straggler,) = report["stragglers"]
assert straggler["node"] == "n2" and straggler["rank"] == 1, straggler
assert report["totals"]["steps"] == 250, report["totals"]
for rank in report["ranks"]:  # phases add up to the step
    assert abs(sum(rank["phases_ms"].values()) / rank["step_ms"] - 1) < 0.02, rank
n2 = [n for n in report["coverage"]["nodes"] if n["node"] == "n2"][0]
assert 0 < n2["clock_uncertainty_s"] < 0.1, n2
JUDGE
