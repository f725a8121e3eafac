#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes RUN of a workspace a run that is at work on the local cluster, for commands such as `peft-studio pause RUN`.
#   running_run.sh BUILD_FOLDER WORKSPACE      on the login node
set -euo pipefail
build=$1
cd "$2"
"$build/bin/peft-studio" submit my.yaml --set name=long --set train.epochs=100000 --set train.max_steps=100000 >submit.out 2>&1 </dev/null || { cat submit.out; exit 1; }
runs=(runs/long-*)
ln -sfn "${runs[0]}" RUN
for ((i = 0; i < 2400; i++)); do  # the bound only ends what is broken
  ! cat RUN/attempts/*/nodes/*.jsonl 2>/dev/null | grep -q '"kind": *"step"' || exit 0
  sleep 0.1
done
echo "the run does not begin"
exit 1
