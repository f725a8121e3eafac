#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# As cluster_time_limit, with Slurm's own warning, nobody helps: a job of two minutes is warned 40 to 100 s before its end, because
# Slurm looks once a minute. Until then the run is held.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
sed -i 's/time: 00:30:00/time: 00:02:00/' "$work/recipe.yaml"
reference=$(undisturbed)
start_cluster
submit_held
await "the requeue" has_event requeued
let_go 20
expect_requeued_and_completed
