#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The job's first node loses power, and the supervisor with it: the watcher on the second one puts the job back into the
# queue, and it goes on to the same result elsewhere.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
steps=600 tiny_recipe
reference=$(undisturbed)
start_cluster
submit
within 60 "step 20" stepped 1 20
watcher_there() { cluster run -- pgrep -f 'watch-host' >/dev/null; }
within 20 "the watcher" watcher_there

cluster kill-node 1

within 30 "the requeue" has_event requeued
check "it was not the watcher: $(cat "$run/events.jsonl")" grep -q '"event":"requeued".*"by":"n2"' "$run/events.jsonl"
no_old_rank() { ! cluster run -- pgrep -f 'worker train .*--attempt 1' >/dev/null; }
within 10 "the old ranks gone" no_old_rank
within 90 "completion" completed
within 10 "the event" has_event completed
check "the second attempt is on n1" bash -c '! grep -q "\"event\":\"started\",\"attempt\":2.*n1" "$1"' bash "$run/events.jsonl"
expect_the_undisturbed_result
