# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/fault-campaign: a run, where it is, and what its records say.
# Reads program, work, out, state, reference, deadline, faults, all_kinds; keeps done_faults, bad.

digest_of() { sha256sum <"$1/adapter/adapter_model.safetensors" 2>/dev/null | cut -d' ' -f1; }
now() { date +%s.%3N; }
seconds_from() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", b - a }'; }
pause_for() { sleep "$(awk -v r=$RANDOM -v a="$1" -v b="$2" 'BEGIN { print a + r / 32768 * (b - a) }')"; }

# A disk of its own, so that filling it harms nobody.
make_disk() {
  mkdir -p "$work"
  ((EUID == 0)) || { say "not root: no disk faults"; return 0; }
  truncate -s 600M "$out/disk.image" && mkfs.ext4 -q -F "$out/disk.image" &&
    mount -o loop "$out/disk.image" "$work" 2>"$out/mount.log" || { say "no loop mount here ($(cat "$out/mount.log")): no disk faults"; return 0; }
  has_disk=1
}

write_recipe() {
  "$build/bin/make-tiny-model" "$work/model" --layers 2 >/dev/null
  tiny_chats 40 >"$work/chats.jsonl"
  cat >"$work/recipe.yaml" <<RECIPE
name: campaign
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.05, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 128, packing: false }
train: { epochs: 1000000, max_steps: ${PST_CAMPAIGN_STEPS:-2500}, micro_batch_size: 1, global_batch_size: 4, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: 500 }
checkpoint: { every_steps: 25 }
slurm: { nodes: 2, ranks_per_node: 1, spares: 1, time: 00:30:00, max_restarts: 1000 }
output_dir: $work/runs
RECIPE
}

completed() { [[ -s $run/completed.json ]]; }
job() { sed -nE 's/.*"event":"submitted","job_id":"([0-9]+)".*/\1/p' "$run/events.jsonl" | tail -n 1; }
# The greatest step that any attempt has recorded.
last_step() {
  { tail -qn 3 "$run"/attempts/*/nodes/*.jsonl 2>/dev/null || true; } |
    sed -nE 's/.*"kind":"step","step":([0-9]+).*/\1/p' | sort -n | tail -n 1 | grep . || echo 0
}
# new_step STEP SINCE: when a step beyond STEP was recorded after SINCE, in seconds of the epoch.
new_step() {
  local t
  t=$(sed -nE 's/^\{"t":"([^"]*)".*"kind":"step","step":([0-9]+),.*/\2 \1/p' "$run"/attempts/*/nodes/*.jsonl 2>/dev/null |
    awk -v s="$1" '$1 > s { print $2 }' | sort | while read -r t; do
      t=$(date -d "$t" +%s.%3N)
      awk -v a="$t" -v b="$2" 'BEGIN { exit !(a > b) }' && { echo "$t"; break; }
    done)
  [[ -n $t ]] && echo "$t"
}
# first_event SINCE KINDS: when the first of these events came after SINCE.
first_event() {
  local t
  while read -r t; do
    t=$(date -d "$t" +%s.%3N)
    awk -v a="$t" -v b="$1" 'BEGIN { exit !(a >= b) }' && { echo "$t"; return; }
  done < <(sed -nE "s/^\{\"t\":\"([^\"]*)\",\"event\":\"($2)\".*/\1/p" "$run/events.jsonl")
}
# The step that the newest attempt began with, and whether there was one since SINCE.
restored_since() {
  local t step
  while read -r t step; do
    t=$(date -d "$t" +%s.%3N)
    awk -v a="$t" -v b="$1" 'BEGIN { exit !(a >= b) }' && { echo "$step"; return; }
  done < <(sed -nE 's/^\{"t":"([^"]*)","event":"restored","attempt":[0-9]+,"step":([0-9]+).*/\1 \2/p' "$run/events.jsonl")
}

nodes_of_attempt() { sed -nE 's/.*"event":"started".*"hosts":"([^"]*)".*/\1/p' "$run/events.jsonl" | tail -n 1 | tr ',' '\n'; }
batch_host() { cluster run -- squeue --noheader --jobs "$(job)" --format %B; }
# Processes with COMMAND in their line on a node, as the login node numbers them.
pids_on() {
  local pid
  for pid in $(cluster run -- pgrep -f "$2"); do
    if cluster run -- cat "/proc/$pid/environ" 2>/dev/null | tr '\0' '\n' | grep -qx "SLURMD_NODENAME=$1"; then echo "$pid"; fi
  done
}
rank_on() { pids_on "$1" 'peft-studio-worker train' | head -n 1; }
any_rank_left() { cluster run -- pgrep -f "peft-studio-worker train --run $run" >/dev/null; }

# Ranks of an attempt that has a successor: none may be left on any node some seconds after its loss was noticed.
older_ranks() {
  local newest
  newest=$(ls "$run/attempts" | tail -n 1)
  cluster run -- pgrep -af "peft-studio-worker train --run $run" | grep -v -- "--attempt $((10#$newest))\b" || true
}

# Power and links are back. Slurm may take longer to notice than is waited here; then the run has a node less for a while.
nodes_back() {
  local i until=$((SECONDS + 12))
  for i in 1 2 3 4; do cluster restore "$i" >/dev/null 2>&1 || true; done
  until [[ $(cluster run -- sinfo --noheader --partition main --format '%T %D' | awk '$1 ~ /^(idle|allocated|mixed|completing)$/ { n += $2 } END { print n + 0 }') == 4 ]]; do
    ((SECONDS < until)) || return 0
    # A node that died while a job began on it is drained, and stays so until somebody says otherwise.
    for i in 1 2 3 4; do cluster run -- scontrol update "nodename=n$i" state=resume >/dev/null 2>&1 || true; done
    sleep 1
  done
}

# One fault in the run: injects, waits for a new step, writes its line.
one_fault() {
  local kind=$1 before began noticed='' fresh='' repeated='' until=$((SECONDS + 150)) outcome=recovered began_again
  before=$(last_step)
  began=$(now)
  if ! "inject_${kind//-/_}"; then return 0; fi  # nothing was hit: the run was between two states
  before=$(last_step)
  while ! completed; do
    # A signal takes a few steps to arrive; those are not the recovery.
    began_again=$(new_step $((before + 20)) "$began") && fresh=$(seconds_from "$began" "$began_again") && break
    ((SECONDS < until)) || { outcome='no new step in 150 s'; break; }
    sleep 0.3
  done
  heal "$kind"
  if [[ -n $fresh ]] || completed; then
    local at restored
    at=$(first_event "$began" 'rank-lost|no-progress|node-lost|attempt-ended|requeued|pause-requested|paused|checkpoint-failed') || true
    [[ -z $at ]] || noticed=$(seconds_from "$began" "$at")
    restored=$(restored_since "$began") || true
    [[ -z $restored ]] || repeated=$((before > restored ? before - restored : 0))
    [[ -n $fresh ]] || outcome='completed before a new step'
    local gone=$((SECONDS + 10))
    while [[ -n $(older_ranks) ]] && ((SECONDS < gone)); do sleep 0.5; done
    if [[ -n $(older_ranks) ]]; then outcome='orphans 10 s later'; bad=$((bad + 1)); say "orphans: $(older_ranks | head -n 3)"; fi
  fi
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(basename "$run")" "$kind" "$before" "${noticed:--}" "${fresh:--}" "${repeated:--}" "$outcome" |
    tee -a "$out/faults.tsv" >&2
  done_faults=$((done_faults + 1))
}

# One job from submission to its end, disturbed on the way.
one_run() {
  local until verdict=good waited
  cluster run -- "$program" submit "$work/recipe.yaml" >"$out/submit.log" 2>&1 ||
    { bad=$((bad + 1)); say "submit failed: $(tail -n 2 "$out/submit.log")"; return; }
  run=$(ls -td "$work"/runs/campaign-* | head -n 1)
  until=$((SECONDS + 1500))
  while ! completed && ((SECONDS < until)); do
    # Only a run that moves is disturbed: three failures at one step are a crash loop, and rightly the end.
    waited=$((SECONDS + 150))
    local from; from=$(last_step)
    until completed || (($(last_step) > from + 30)); do
      ((SECONDS < waited)) || break 2
      sleep 0.2
    done
    if completed; then break; fi
    pause_for 0 1.5
    if ((done_faults >= faults || SECONDS >= deadline)); then
      sleep 0.5
      continue
    fi
    one_fault "${all_kinds[RANDOM % ${#all_kinds[@]}]}"
  done
  if ! completed; then
    verdict="not completed: $(tail -n 1 "$run/events.jsonl" | cut -c1-300)"
  elif [[ $(digest_of "$run") != "$reference" ]]; then
    verdict='another adapter than the undisturbed run'
  else
    waited=$((SECONDS + 10))
    while any_rank_left && ((SECONDS < waited)); do sleep 0.5; done
    if any_rank_left; then verdict='orphans 10 s after the end'; fi
  fi
  if [[ $verdict == good ]]; then
    rm -rf "$run"
  else
    bad=$((bad + 1))
    cluster run -- scancel "$(job)" || true
  fi
  say "run $((runs + 1)), $done_faults faults so far: $verdict"
  nodes_back
}
