#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A job that is cancelled half-way: every process gone, nothing that looks finished, and `follow` says what happened.
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"
start_cluster
steps=1000000 tiny_recipe

cluster run -- "$program" submit "$work/recipe.yaml" </dev/null
run=$(the_run)
has_stepped() { grep -qsE '"kind": *"step"' "$run"/attempts/0001/nodes/*.jsonl; }
within 60 "the first step" has_stepped
cluster run -- "$program" cancel "$run"

status=0
said=$(timeout -s KILL 60 bash tools/local-cluster --dir "$state" run -- "$program" follow "$run" 2>&1 </dev/null) || status=$?
check "follow ended with $status: $said" test "$status" = 76
check "follow does not say that it was cancelled: $said" grep -qi cancel <<<"$said"
check "there is a completed.json" test ! -e "$run/completed.json"
check "there is an adapter" test ! -e "$run/adapter/adapter_model.safetensors"
within 20 "workers gone" no_worker_left
queue_empty() { [[ -z $(cluster run -- squeue --noheader) ]]; }
within 20 "the queue empty" queue_empty
