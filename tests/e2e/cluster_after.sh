#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A run after a run: it starts from the adapter that the first one leaves, and not before; after one that was cancelled it refuses
# to start, unless it was told not to mind.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
start_cluster
recoverable_recipe
submit_as() { sed "s/^name: .*/name: $1/" "$work/recipe.yaml" >"$work/$1.yaml"; cluster run -- "$program" submit "$work/$1.yaml" "${@:2}" </dev/null; }
run_named() { echo "$work/runs/$1"-*; }
is() { [[ $(cluster run -- "$program" status --json "$(run_named "$1")" </dev/null | sed -nE 's/.*"state": *"([a-z]+)".*/\1/p') == "$2" ]]; }

hold 20
submit_as first
submit_as second --after first --set "adapter.init_from=$(run_named first)/adapter"
await_held 20
check "the second does not wait" is second pending
let_go 20
await "completion of the first" is first completed
await "completion of the second" is second completed
ended=$(sed -nE 's/^\{"t":"([^"]*)","event":"completed".*/\1/p' "$(run_named first)/events.jsonl")
began=$(sed -nE 's/^\{"t":"([^"]*)","event":"started".*/\1/p' "$(run_named second)/events.jsonl")
check "the second began at $began, the first ended at $ended" test "$began" \> "$ended"
submit_as third --after first
await "completion of the third, after a run that was over" is third completed

hold 20
submit_as lost
submit_as refusing --after lost
submit_as careless --after lost --after-any --set train.max_steps=5
await_held 20
run=$(run_named lost)
cluster run -- "$program" cancel "$run" </dev/null
await "the end of the run that refuses" is refusing failed
said=$(cluster run -- "$program" status "$(run_named refusing)" </dev/null)
check "it does not say why: $said" grep -q 'lost-.*, which this one comes after, is cancelled' <<<"$said"
check "its exit is not 65" grep -q '"event":"failed","exit":65' "$(run_named refusing)/events.jsonl"
check "workers were started" test ! -e "$(run_named refusing)/attempts"
await "completion of the careless one" is careless completed

status=0; said=$(submit_as late --after lost 2>&1) || status=$?
check "submitting after a cancelled run ended with $status: $said" test "$status" = 65
status=0; said=$(submit_as late --after nobody 2>&1) || status=$?
check "submitting after an unknown run ended with $status: $said" test "$status" = 64
