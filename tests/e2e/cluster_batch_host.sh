#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The job's first node loses power, and the supervisor with it: the watcher on the second one puts the job back into the
# queue, and it goes on to the same result elsewhere.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
submit_held
watcher_there() { cluster run -- pgrep -f 'watch-host' >/dev/null; }
await "the watcher" watcher_there

cluster kill-node 1
let_go 20

await "the requeue" has_event requeued
check "it was not the watcher: $(cat "$run/events.jsonl")" grep -q '"event":"requeued".*"by":"n2"' "$run/events.jsonl"
no_old_rank() { ! cluster run -- pgrep -f 'worker train .*--attempt 1' >/dev/null; }
await "the old ranks gone" no_old_rank
await "completion" completed
await "the event" has_event completed
check "the second attempt is on n1" bash -c '! grep -q "\"event\":\"started\",\"attempt\":2.*n1" "$1"' bash "$run/events.jsonl"
check "it has not gone on from step 10: $(cat "$run/events.jsonl")" restored_at 10
expect_the_undisturbed_result
