#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A LoRA job over two nodes, from `submit --follow` to the adapter; the same bits as on one rank without Slurm.
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"
start_cluster
steps=6 tiny_recipe

cluster run -- "$program" submit "$work/recipe.yaml" --follow </dev/null
run=$(the_run)

check "no completed.json" test -s "$run/completed.json"
check "completed.json: $(cat "$run/completed.json")" grep -qE '"ranks": *2\b' "$run/completed.json"
check "completed.json: $(cat "$run/completed.json")" grep -qE '"steps": *6\b' "$run/completed.json"
check "no adapter_config.json" test -s "$run/adapter/adapter_config.json"
logs=$(cd "$run/attempts/0001/nodes" && echo *.jsonl)
check "a log of each node is expected, have: $logs" test "$logs" = "n1.jsonl n2.jsonl"
steps_seen=$(cat "$run"/attempts/0001/nodes/n1.jsonl | grep -cE '"kind": *"step"' || true)
check "n1 has recorded $steps_seen steps, not 6" test "$steps_seen" = 6
check "the run is not listed as completed" bash -c '"$1" status "$2" | grep -q completed' bash "$program" "$run"
await "workers gone" no_worker_left

"$program" train "$work/recipe.yaml" --set "output_dir=$work/alone" >/dev/null </dev/null
alone=("$work"/alone/tiny-*)
check "the adapters of two ranks under Slurm and of one rank without differ" \
  cmp "$run/adapter/adapter_model.safetensors" "${alone[0]}/adapter/adapter_model.safetensors"
