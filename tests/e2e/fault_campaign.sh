#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The first faults of a campaign, of the kinds that take seconds, from a fixed seed. They hit at random moments, of which each is to be
# survived; the minutes only end a broken campaign.
#   fault_campaign.sh BUILD_FOLDER
set -euo pipefail
mkdir -p "$1/e2e"
out=$(mktemp -d "$1/e2e/campaign-XXXXXX")
status=0
PST_CAMPAIGN_STEPS=1200 tools/fault-campaign --faults 5 --minutes 7 --seed 1 --build "$1" --out "$out" \
  --kinds rank-killed,rank-stopped,slurmstepd-killed,node-killed,link-cut,bit-flip,truncated,cancelled,paused || status=$?
if ((status == 69)); then echo "skipped: there is no local cluster here"; exit 77; fi
((status == 0)) || { echo "kept: $out"; exit "$status"; }
injected=$(($(wc -l <"$out/faults.tsv") - 1))
((injected == 5)) || { echo "FAILED: $injected faults were injected, not 5"; exit 1; }
rm -rf "$out"
