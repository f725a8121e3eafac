#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The first minutes of a fault campaign: every kind that takes seconds, from a fixed seed.
#   fault_campaign.sh BUILD_FOLDER
set -euo pipefail
mkdir -p "$1/e2e"
out=$(mktemp -d "$1/e2e/campaign-XXXXXX")
status=0
tools/fault-campaign --minutes 2 --seed 1 --build "$1" --out "$out" \
  --kinds rank-killed,rank-stopped,slurmstepd-killed,node-killed,link-cut,bit-flip,truncated,cancelled,paused || status=$?
if ((status == 69)); then echo "skipped: there is no local cluster here"; exit 77; fi
((status == 0)) || { echo "kept: $out"; exit "$status"; }
lines=$(wc -l <"$out/faults.tsv")
((lines > 3)) || { echo "FAILED: hardly any fault was injected: $((lines - 1))"; exit 1; }
rm -rf "$out"
