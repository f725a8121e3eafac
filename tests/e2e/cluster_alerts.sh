#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Alerts of a job on a true Slurm: the log is the job's, a mail goes through Slurm's own MailProg, the textfile tells of both nodes. Nothing
# is left behind.
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"
start_cluster
printf '#!/bin/sh\n{ printf "<%%s>" "$@"; echo; cat; } >>"%s"\n' "$work/mails" >"$work/mail-program"
chmod +x "$work/mail-program"
echo "MailProg=$work/mail-program" >>"$state/slurm.conf"
cluster run -- scontrol reconfigure
steps=40 tiny_recipe
cat >>"$work/recipe.yaml" <<RECIPE
metrics: { prometheus_port: 0, textfile: $work/out.prom }
alerts:
  - { name: finished, do: [log, mail] }
  - { name: never, metric: loss, above: 1.0e+9, do: [mail] }
notify: { mail: me@example.org }
RECIPE

cluster run -- "$program" submit "$work/recipe.yaml" --follow </dev/null
run=$(the_run)
# What follows it leaves with completed.json; the supervisor a moment later.
nothing_watches() { ! cluster run -- pgrep -f "monitor $run" >/dev/null; }
await "the monitor gone" nothing_watches
check "the job's log does not tell of the end: $(cat "$run"/slurm-*.log)" grep -q '^alert \[info\] finished: the run is completed' "$run"/slurm-*.log
check "no mail" test -s "$work/mails"
check "the mail: $(cat "$work/mails")" grep -qE "^<-s><${run##*/}: info alert><me@example.org>$" "$work/mails"
check "the mail's text: $(cat "$work/mails")" grep -q "^\[info\] finished: the run is completed$" "$work/mails"
check "more than one mail: $(cat "$work/mails")" test "$(grep -c '^<-s>' "$work/mails")" = 1
check "the textfile: $(cat "$work/out.prom")" grep -qE '^peft_studio_state\{.*state="completed"\} 1$' "$work/out.prom"
for node in n1 n2; do
  check "$node is not in the textfile" grep -qE "^peft_studio_phase_seconds_total\{.*node=\"$node\",phase=\"forward\"\} [0-9]" "$work/out.prom"
done
check "an endpoint is still named" bash -c '! compgen -G "$1/runs/prometheus_sd-*" >/dev/null' bash "$work"
check "$(cat "$run/events.jsonl")" bash -c '! grep -qE "alert-undelivered|monitor-lost" "$1"' bash "$run/events.jsonl"
await "workers gone" no_worker_left
