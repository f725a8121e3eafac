#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Traced steps: both ranks on one time line, layers forward and backward, parts that add up to the step, and the bits of
# an untraced run. A killed rank's file is read. `scaling --run` makes its series, and says what plan has to say.
#   profile.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" profile

"$build/bin/make-tiny-model" "$work/model" --layers 3 >/dev/null
tiny_chats 32 >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: tiny
model: { path: $work/model }
adapter: { r: 4, alpha: 8, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0, max_length: 128, packing: false }
train: { epochs: 100000, max_steps: 12, micro_batch_size: 2, global_batch_size: 8, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: null }
checkpoint: { every_steps: 4 }
RECIPE
train() {  # NAME RANKS ...
  local name=$1 ranks=$2; shift 2
  "$program" train "$work/recipe.yaml" --ranks "$ranks" --set "output_dir=$work/$name" "$@" >"$work/$name.out" 2>&1 </dev/null || die "$name has not trained"
  run=$(echo "$work/$name"/tiny-*)
}

train plain 1
reference=$(digest_of "$run")
[[ ! -e $run/attempts/0001/profile ]] || die "an untraced run has a profile"
if "$program" profile "$run" >"$work/none.out" 2>&1; then die "there was a profile of an untraced run"; fi

train traced 2 --profile steps=4:6 --set train.gradient_checkpointing=true
[[ $(digest_of "$run") == "$reference" ]] || die "tracing changes the result"
"$program" profile "$run" >"$work/profile.out"
grep -q '^- Bottleneck: ' "$work/profile.out" || die "no bottleneck is named"
python3 - "$run" <<'JUDGE' || die "the trace is not what it should be"
import json, sys
from pathlib import Path
run = Path(sys.argv[1])
events = json.loads((run / "profile/trace.json").read_text())["traceEvents"]
spans = [event for event in events if event["ph"] == "X"]
assert {span["pid"] for span in spans} == {0, 1}
names = {span["name"] for span in spans}
for layer in range(3):
    assert {f"layer {layer}", f"layer {layer} backward", f"layer {layer} again"} <= names, names
assert {"qkv_proj", "gate_up_proj backward", "o_proj", "down_proj backward", "attention", "norm backward", "swiglu", "head", "all_to_all", "fsync", "snapshot"} <= names, names
steps = {rank: [s for s in spans if s["cat"] == "step" and s["pid"] == rank] for rank in (0, 1)}
for rank, of_rank in steps.items():
    assert [s["args"]["step"] for s in of_rank] == [4, 5, 6], of_rank
    filled = []
    for step in of_rank:  # phases lie in their step, and fill it but for what the loop does between them
        begin, end = step["ts"], step["ts"] + step["dur"]
        phases = [s for s in spans if s["cat"] == "phase" and s["pid"] == rank and begin <= s["ts"] < end]
        assert all(p["ts"] + p["dur"] <= end + 0.01 for p in phases)
        filled.append(sum(p["dur"] for p in phases) / step["dur"])
        assert filled[-1] <= 1.0001, (step, phases)
    # Where others use the processor too, a rank may lose it between two phases: of three steps one is whole.
    assert max(filled) > 0.9, filled
profile = json.loads((run / "profile/profile.json").read_text())
assert abs(sum(part["share"] for part in profile["parts"]) - 1) < 0.01, profile["parts"]
assert not profile["gaps"], profile["gaps"]
gathered = [c for c in profile["collectives"] if c["phase"] == "transfer"]
assert gathered and all(c["bytes_each"] > 0 for c in gathered), profile["collectives"]
# In a collective nobody is done before the last has come: on one time line this holds for all ranks.
by_turn = {}
for span in spans:
    if span["cat"] == "communication": by_turn.setdefault(span["args"]["turn"], []).append(span)
met = [pair for pair in by_turn.values() if len(pair) == 2 and pair[0]["name"] in ("all_gather", "all_to_all")]
assert met
for a, b in met:
    assert min(a["ts"] + a["dur"], b["ts"] + b["dur"]) > max(a["ts"], b["ts"]) - 200, (a, b)
JUDGE

train first_only 2 --profile steps=4,ranks=1
[[ -e $run/attempts/0001/profile/rank-1.json && ! -e $run/attempts/0001/profile/rank-0.json ]] || die "ranks= did not choose the rank"
train killed 1 --profile steps=4:6
truncate -s -1500 "$run/attempts/0001/profile/rank-0.json"
"$program" profile "$run" >"$work/torn.out"
grep -q 'gap: rank 0 on .*: its file ends in the middle' "$work/torn.out" || die "the torn file is not named"
if "$program" train "$work/recipe.yaml" --profile steps=6:4 >"$work/wrong.out" 2>&1; then die "steps=6:4 was taken"; fi
grep -q 'profile.last_step is 4, before profile.first_step, 6' "$work/wrong.out" || die "steps=6:4 is refused without the reason"

(($(nproc) >= 2)) || { echo "one core: no series"; exit 0; }
"$program" scaling --run "$work/recipe.yaml" --ranks 2,1 --kind weak --set "output_dir=$work/series" -o "$work/scaling" >"$work/scaling.out" 2>&1 || die "no series"
python3 - "$work" <<'JUDGE' || die "the series is not what it should be"
import json, sys
from pathlib import Path
work = Path(sys.argv[1])
scaling = json.loads((work / "scaling/scaling.json").read_text())
assert scaling["kind"] == "weak", scaling
assert [(p["ranks"], p["global_batch_size"]) for p in scaling["points"]] == [(1, 8), (2, 16)], scaling["points"]
assert len(list((work / "series").glob("tiny-r*/completed.json"))) == 2
JUDGE
