#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The spare node is dead already when another one dies, and Slurm knows of neither: the run goes on at once with the one
# that is left.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe "  spares: 1"
reference=$(undisturbed)
start_cluster
submit_held

cluster kill-node 3
cluster kill-node 2
let_go 20

await "completion" completed
await "the event" has_event completed
# A node's processes do not go in one moment: one whose rank has ended may still answer, and then the next attempt finds out.
check "not both dead nodes are named: $(cat "$run/events.jsonl")" \
  grep -q '"event":"node-lost","attempt":[12],"nodes":\["n2","n3"\]' "$run/events.jsonl"
attempt=$(sed -n 's/.*"event":"node-lost","attempt":\([12]\),.*/\1/p' "$run/events.jsonl")
check "the attempt after that is not on n1 alone" \
  grep -q '"event":"started","attempt":'$((attempt + 1))',"ranks":1,"hosts":"n1"' "$run/events.jsonl"
expect_the_undisturbed_result
