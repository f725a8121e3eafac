# SPDX-License-Identifier: Apache-2.0
# Sourced by monitoring*.sh: local_lib.sh, and a Prometheus of this test's own.
#   source monitoring_lib.sh BUILD_FOLDER NAME
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" "$2"
logs='*.out */*/events.jsonl'
here=$(dirname -- "${BASH_SOURCE[0]}")
PATH=$PATH:$PWD/.deps/prometheus/usr/bin  # where tools/run-tests puts it
prometheus=$(command -v prometheus || true)
if [[ -z $prometheus ]]; then echo "skipped: there is no prometheus (Debian's package; tools/run-tests unpacks it)"; exit 77; fi

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_prometheus GLOB: scrapes, every second, the endpoints that files of that pattern name; sets server.
start_prometheus() {
  local port
  port=$(free_port)
  server=http://127.0.0.1:$port
  cat >"$work/prometheus.yml" <<CONFIG
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: peft-studio
    file_sd_configs: [ { files: [ "$1" ], refresh_interval: 1s } ]
CONFIG
  "$prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$port" \
    --log.level=warn >"$work/prometheus.out" 2>&1 </dev/null &
  helpers+=($!)
  await "a Prometheus that answers" answers "$server/-/ready"
}
answers() { python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$1" 2>/dev/null; }
# endpoint RUN: where its metrics are.
endpoint() { sed -nE 's/.*"(127\.0\.0\.1:[0-9]+)".*/\1/p' "$1/prometheus_sd.json"; }
