#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Prometheus scrapes a job at work, and every query of the dashboard returns its data. A rank that is stopped fires `no-progress`, once; the
# run's end fires `finished`; a command and a webhook are told of both. Nothing stays behind.
#   monitoring.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/monitoring_lib.sh" "$1" monitoring

python3 "$here/webhook_receiver.py" "$work/receiver.port" "$work/posted" >"$work/receiver.out" 2>&1 &
helpers+=($!)
await "a webhook receiver" test -s "$work/receiver.port"
install -m 0600 /dev/null "$work/secrets"
printf 'WEBHOOK_URL=http://127.0.0.1:%s/hook/s3cret\nWEBHOOK_TOKEN=t0ken\n' "$(<"$work/receiver.port")" >"$work/secrets"
printf '#!/bin/sh\necho "$PST_ALERT_STATE $PST_ALERT $1" >>"%s"\n' "$work/told" >"$work/tell"
chmod +x "$work/tell"

"$build/bin/make-tiny-model" "$work/model" >/dev/null
tiny_chats 24 >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: tiny
model: { path: $work/model }
adapter: { r: 4, alpha: 8, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.2, max_length: 128, packing: false }
train: { epochs: 10000000, max_steps: 1000000, micro_batch_size: 1, global_batch_size: 4, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: 100 }
metrics: { prometheus_port: 0, textfile: $work }
alerts:
  - { name: no-progress, above: 4, do: [command, webhook] }
  - { name: finished, do: [log, command, webhook] }
notify: { command: [ $work/tell, "a b; touch $work/never" ], secrets_file: $work/secrets }
output_dir: $work/runs
RECIPE

"$program" train "$work/recipe.yaml" --ranks 2 >"$work/train.out" 2>&1 </dev/null &
background=$!
start_prometheus "$work/runs/prometheus_sd-*.json"
await "an endpoint" compgen -G "$work/runs/*/prometheus_sd.json" >/dev/null
run=$(echo "$work"/runs/tiny-*)

python3 "$here/dashboard_queries.py" "$server" configs/grafana/peft-studio.json "${run##*/}" "$await_s"
if command -v promtool >/dev/null; then
  python3 -c 'import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())' \
    "http://$(endpoint "$run")/metrics" | promtool check metrics || die "promtool finds fault with the metrics"
fi

# A slow start is no progress either: from a quiet moment on every word counts.
quiet() { "$program" status "$run" --json | grep -q '"alerts": \[\]'; }
await "a quiet moment" quiet
: >"$work/told"
: >"$work/posted"
# Until the workers have started again no step ends; the supervisor, which would see to that at once, waits for the word too.
told() { grep -qsxF "$1 a b; touch $work/never" "$work/told"; }
kill -STOP "$background" "$(pgrep -f "peft-studio-worker train --run $run " | tail -n 1)"
await "no-progress" told "firing no-progress"
kill -CONT "$background"
"$program" status "$run" --json >"$work/status.json"
grep -q '"alert": "no-progress"' "$work/status.json" || die "status does not show the alert: $(<"$work/status.json")"
"$program" status "$run" | tee "$work/status.out" | grep -q 'alert: no-progress' || die "nor does its table: $(<"$work/status.out")"
await "the end of it" told "resolved no-progress"

"$program" cancel "$run" >/dev/null
wait "$background" || true
background=
told "firing finished" || die "the command has not heard of the end"
sort "$work/told" | uniq -d | grep . && die "told twice: $(<"$work/told")"
[[ $(wc -l <"$work/told") == 3 ]] || die "told other than three times: $(<"$work/told")"
[[ ! -e $work/never ]] || die "a shell has read the command's argument"
python3 - "$work/posted" "$run" <<'JUDGE'
import json, sys
posted = [json.loads(line) for line in open(sys.argv[1])]
assert [(p["alert"], p["state"]) for p in posted] == [("no-progress", "firing"), ("no-progress", "resolved"), ("finished", "firing")], posted
for p in posted:
    assert p["authorization"] == "Bearer t0ken" and p["path"] == "/hook/s3cret" and p["folder"] == sys.argv[2], p
assert posted[0]["value"] > 4 and "no-progress" in posted[0]["text"], posted[0]
JUDGE
! grep -rqsE 's3cret|t0ken' "$run" || die "a secret is in the run's folder: $(grep -rlE 's3cret|t0ken' "$run")"
! grep -q 'alert-undelivered\|monitor-lost' "$run/events.jsonl" || die "$(grep 'alert-undelivered\|monitor-lost' "$run/events.jsonl")"
grep -q 'alert \[info\] finished: the run is cancelled' "$run/monitor.log" || die "no line in the log"
grep -qE '^peft_studio_state\{.*state="cancelled"\} 1$' "$work/peft_studio_${run##*/}.prom" || die "the textfile does not hold the end"
! compgen -G "$work/runs/prometheus_sd-*" >/dev/null && [[ ! -e $run/prometheus_sd.json ]] || die "the endpoint is still named"
! pgrep -f "monitor $run" >/dev/null || die "a monitor is left"
