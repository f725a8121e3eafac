#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The time limit comes near: the run saves itself, is requeued as the same job, and ends with the same bits. The warning is the
# one that Slurm sends (cluster_time_limit_slow waits for Slurm's own).
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
submit_held
cluster run -- scancel --batch --signal=USR2 "$(submitted_job)"
await "the requeue" has_event requeued
let_go 20
expect_requeued_and_completed
