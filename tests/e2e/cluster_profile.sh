#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `scaling --run --nodes 1,2` submits its series, waits for it and compares it; the run on two nodes, traced, is put on one
# time line with both of them.
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"
start_cluster
steps=8 tiny_recipe

cluster run -- "$program" scaling --run "$work/recipe.yaml" --nodes 1,2 --set profile.first_step=4 --set profile.last_step=5 \
  -o "$work/scaling" >"$work/scaling.out" 2>&1 </dev/null || die "no series: $(cat "$work/scaling.out")"
cat "$work/scaling.out"
one=$(echo "$work"/runs/tiny-n1-*) two=$(echo "$work"/runs/tiny-n2-*)
"$program" profile "$two" >"$work/profile.out"
cat "$work/profile.out"
check "n1 or n2 is missing" grep -qE '^1 +n2 ' "$work/profile.out"
check "the series is not what it should be" python3 - "$work" "$one" "$two" <<'JUDGE'
import json, sys
from pathlib import Path
work, one, two = map(Path, sys.argv[1:])
scaling = json.loads((work / "scaling/scaling.json").read_text())
assert scaling["kind"] == "strong" and [(p["ranks"], p["nodes"]) for p in scaling["points"]] == [(1, 1), (2, 2)], scaling
ended = json.loads((one / "completed.json").read_text())["finished"]
began = json.loads(next(iter((two / "attempts/0001/nodes").glob("*.jsonl"))).read_text().splitlines()[0])["t"]
assert began > ended, (ended, began)
profile = json.loads((two / "profile/profile.json").read_text())
assert {rank["node"] for rank in profile["ranks"]} == {"n1", "n2"} and all(rank["steps"] == 2 for rank in profile["ranks"]), profile["ranks"]
assert profile["ranks"][1]["clock_uncertainty_s"] > 0, profile["ranks"]
JUDGE
