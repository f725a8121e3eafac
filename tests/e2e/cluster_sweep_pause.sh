#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One run of a sweep is paused, then all of it; the whole is resumed as an array of those that rest; one is cancelled. The
# runs end with the bits of undisturbed ones.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
sed -i 's/nodes: 2/nodes: 1/' "$work/recipe.yaml"
reference=$(undisturbed)
start_cluster
printf 'sweep: { parameters: { train.seed: [42, 1, 2] }, max_parallel: 2 }\n' >>"$work/recipe.yaml"
hold 20
cluster run -- "$program" submit "$work/recipe.yaml" </dev/null
sweep=$(the_run)
await_held 20 2

cluster run -- "$program" pause "$sweep/1" </dev/null
check "run 1 is not paused" bash -c '"$1" status "$2/1" | grep -q paused' bash "$program" "$sweep"
cluster run -- "$program" pause "$sweep" </dev/null
let_go 20
await "the queue empty" queue_empty
said=$("$program" status "$sweep")
check "not all are paused: $said" grep -q '^3 runs: 3 paused$' <<<"$said"
await "workers gone" no_worker_left

hold 40
cluster run -- "$program" resume "$sweep" </dev/null
await_held 40 2
run=$sweep/0
check "run 0 lost steps: $(cat "$run/events.jsonl")" restored_at 20
run=$sweep/1
check "run 1 lost steps: $(cat "$run/events.jsonl")" restored_at 20
cluster run -- "$program" cancel "$sweep/1" </dev/null
let_go 40
run=$sweep/0
await "completion of run 0" completed
run=$sweep/2
await "completion of run 2" completed
await "the queue empty" queue_empty
said=$(cluster run -- "$program" status "$sweep" </dev/null)
echo "$said"
check "the sweep has not ended as it should" grep -q '^3 runs: 2 completed, 1 cancelled$' <<<"$said"
run=$sweep/0
expect_the_undisturbed_result
