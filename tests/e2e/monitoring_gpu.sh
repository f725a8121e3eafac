#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every query of the GPU dashboard returns data for a run whose samples tell of GPUs and InfiniBand. The samples are made here: no GPU is needed.
#   monitoring_gpu.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/monitoring_lib.sh" "$1" monitoring-gpu

run=$work/runs/made-0001
mkdir -p "$run/attempts/0001/samples" "$run/attempts/0001/nodes"
cat >"$run/recipe.yaml" <<RECIPE
name: made
model: { path: $work/model }
data: { train: [ { path: $work/chats.jsonl } ] }
metrics: { prometheus_port: 0 }
alerts: [ { name: gpu-hot, for: 1 } ]
RECIPE
echo '{"format":1,"id":"0001","name":"made","version":"0","created":"","recipe_file":"","recipe_digest":"","model_digest":"","data_digest":"","model_path":"","store":""}' >"$run/run.json"
now() { date -u +%Y-%m-%dT%H:%M:%S.000Z; }
echo "{\"t\":\"$(now)\",\"event\":\"started\",\"attempt\":1}" >"$run/events.jsonl"
samples=$run/attempts/0001/samples/g1.jsonl
cat >"$samples" <<SAMPLES
{"t":"$(now)","kind":"start","format":1,"host":"g1","sample_columns":{"ranks":["rank"],"gpus":["gpu","busy_percent","memory_bytes","power_w","sm_mhz","memory_mhz","temperature_c","throttle_reasons","ecc_uncorrected","nvlink_received_bytes_per_s","nvlink_sent_bytes_per_s"]}}
SAMPLES
(while [[ -d $run ]]; do
   echo "{\"t\":\"$(now)\",\"kind\":\"sample\",\"seconds\":1,\"cpu_busy\":0.1,\"available_bytes\":1,\"network\":[1,1],\"infiniband\":[1000,2000],\"ranks\":[],\"gpus\":[[0,97,60000000000,650,1700,2600,88,4,0,1000000,2000000],[1,null,1,null,1,1,50,0,null,null,null]]}" >>"$samples"
   sleep 1
 done 2>/dev/null) &
helpers+=($!)
"$program" monitor "$run" >"$work/monitor.out" 2>&1 </dev/null &
background=$!
start_prometheus "$work/runs/prometheus_sd-*.json"
python3 "$here/dashboard_queries.py" "$server" configs/grafana/peft-studio-gpu.json made-0001 "$await_s"
fired() { grep -qs 'gpu_temperature_celsius is 88, above 85, at node g1, gpu 0' "$work/monitor.out"; }
await "gpu-hot" fired
