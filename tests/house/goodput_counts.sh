#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/goodput's counting, on records made by hand: a step a second, one fault after step 100, which five steps repeat.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
command -v python3 >/dev/null || { echo "skipped: no python3 here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# records LOSS_OF_STEP_98_WHEN_REPEATED
records() {
  rm -rf "$work/out"
  python3 - "$work/out" "$1" <<'PYTHON'
import datetime, json, os, sys
out, odd_loss = sys.argv[1], float(sys.argv[2])
begin = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)
time = lambda s: (begin + datetime.timedelta(seconds=s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
def write(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file: file.writelines(json.dumps(line) + "\n" for line in lines)
def step(t, n, loss=None): return {"t": time(t), "kind": "step", "step": n, "us": [[0, 1]], "loss": n / 7 if loss is None else loss, "grad_norm": 1.0}
run, alone = f"{out}/work/runs/goodput-1", f"{out}/work/alone/goodput-2"
write(f"{run}/attempts/0001/nodes/n1.jsonl", [step(n, n) for n in range(1, 101)])
write(f"{run}/attempts/0002/nodes/n1.jsonl", [step(n + 11, n, odd_loss if n == 98 else None) for n in range(96, 201)])
write(f"{run}/events.jsonl", [{"t": time(102), "event": "rank-lost"}, {"t": time(105), "event": "started", "attempt": 2}])
write(f"{alone}/attempts/0001/nodes/n1.jsonl", [step(2 * n, n) for n in range(1, 51)])
t0 = begin.timestamp()
open(f"{out}/window", "w").write(f"{t0} {t0 + 211}\n")
open(f"{out}/faults.tsv", "w").write(f"kind\tinjected\tstep\toutcome\nrank-killed\t{t0 + 100.5}\t100\trecovered\n")
PYTHON
}
account() { python3 tools/lib/goodput/account.py "$work/out" false '' 300 >"$work/said"; }
is() { grep -qF -- "$1" "$work/out/table.md" || complain "not in the table: $1"; }

records 14 # 98 / 7: as the first time
account || complain "the counting of a good run ended with $?: $(<"$work/said")"
is '| rank-killed | 1 | 1 | 1.5, 1.5 | 11.5, 11.5 | 5 | 11.0 |'
is '211 s, 200 steps that counted, 5 repeated; a step takes 1.000 s'
is 'Goodput 0.9479.' # 200 / 211
is '5 repeated steps: 0 with another loss'
is '50 steps that the undisturbed rank made too: 0 differ'

records 14.5
if account; then complain "a repeated step with another loss was taken for good"; fi
is '5 repeated steps: 1 with another loss'
finish 7 "figures"
