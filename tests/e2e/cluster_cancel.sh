#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A job that is cancelled half-way: every process gone, nothing that looks finished, and `follow` says what happened.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
start_cluster
recoverable_recipe
submit_held
cluster run -- "$program" cancel "$run"

status=0
said=$(timeout -s KILL "$await_s" bash tools/local-cluster --dir "$state" run -- "$program" follow "$run" 2>&1 </dev/null) || status=$?
check "follow ended with $status: $said" test "$status" = 76
check "follow does not say that it was cancelled: $said" grep -qi cancel <<<"$said"
check "there is a completed.json" test ! -e "$run/completed.json"
check "there is an adapter" test ! -e "$run/adapter/adapter_model.safetensors"
await "workers gone" no_worker_left
await "the queue empty" queue_empty
