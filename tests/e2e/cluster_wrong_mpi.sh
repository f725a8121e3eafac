#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `srun --mpi=none` gives the ranks no way to find each other. Open MPI 5 then starts N separate worlds and Open MPI 4
# aborts with a page of text; here the first attempt ends with exit 64 and says what to change.
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"
start_cluster
steps=6 tiny_recipe "  mpi: none"

status=0
said=$(timeout -s KILL "$await_s" bash tools/local-cluster --dir "$state" run -- "$program" submit "$work/recipe.yaml" --follow 2>&1 </dev/null) || status=$?

echo "$said"
run=$(the_run)
check "ended with $status, not 64" test "$status" = 64
check "does not name the setting to change" grep -q 'pmix' <<<"$said"
check "there is a completed.json" test ! -e "$run/completed.json"
check "it was tried more than once" test ! -e "$run/attempts/0002"
await "workers gone" no_worker_left
