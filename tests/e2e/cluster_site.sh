#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A site profile of one's own, on a true Slurm: mpirun as the launcher, a line of set-up, a variable and a secret all reach the workers; a dead node
# is noticed under mpirun too; the profile is kept with the run; a missing module ends the run at once and says so.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe "  site: $work/ours.yaml"$'\n'"  secrets_file: $work/secrets"
install -m 600 /dev/stdin "$work/secrets" <<<'HUB_SECRET=s3cr3t-$(id)'
cat >"$work/ours.yaml" <<SITE
name: ours
launcher: mpirun
partitions: [ { name: main } ]
setup: [ "export FROM_SETUP=yes" ]
environment: { FROM_PROFILE: "with a blank" }
SITE
# Stands in the worker's place, writes down what it was given, and becomes the worker.
worker=${PST_WORKER:-$build/bin/peft-studio-worker}
cat >"$work/worker" <<WORKER
#!/bin/bash
printf '%s|' "\$FROM_SETUP" "\$FROM_PROFILE" "\$HUB_SECRET" "\$(hostname)" >"$work/seen-\$OMPI_COMM_WORLD_RANK"
exec "$worker" "\$@"
WORKER
chmod +x "$work/worker"
export PST_WORKER=$work/worker
reference=$(PST_WORKER=$worker undisturbed)
start_cluster

submit_held
for rank in 0 1; do
  check "rank $rank was given $(cat "$work/seen-$rank")" grep -qF "yes|with a blank|s3cr3t-\$(id)|n" "$work/seen-$rank"
done
check "not mpirun: $(cat "$run/attempts/0001/attempt.json")" grep -q '"launcher": *"mpirun"' "$run/attempts/0001/attempt.json"
check "no site.yaml" grep -q '^name: ours$' "$run/site.yaml"
check "the secret is in a file of the run" bash -c '! grep -rqs s3cr3t "$1"' bash "$run"

cluster kill-node 2
let_go 20
await "completion" completed
check "node n2 was noticed after $(noticed_after) s, when Slurm itself knows (SlurmdTimeout)" at_most "$(noticed_after)" 10
check "it has not gone on from step 10: $(cat "$run/events.jsonl")" restored_at 10
expect_the_undisturbed_result
echo "mpirun: a dead node was noticed after $(noticed_after) s"
cluster restore 2

rm -rf "$work/runs"
sed -i 's/^launcher:.*/modules: [not-there]/' "$work/ours.yaml"
submit
await "the event" has_event failed
check "says something else: $(cat "$run/events.jsonl")" grep -q '"event":"failed".*"exit":69.*module load not-there' "$run/events.jsonl"
await "workers gone" no_worker_left

chmod 640 "$work/secrets"
said=$(cluster run -- "$program" submit "$work/recipe.yaml" 2>&1 </dev/null) && die "submitted with open secrets: $said"
check "says something else: $said" grep -q 'chmod 600' <<<"$said"
