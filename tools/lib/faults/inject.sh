# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/fault-campaign: inject_<kind> breaks something in the current run ($run); heal repairs what needs a hand.
# A status other than 0 says that there was nothing to hit.

# $draw, a random number of the caller's, decides: in a subshell bash draws RANDOM anew, whatever the seed.
random_line() { shuf -n 1 --random-source=<(yes "$draw"); }
random_node() { nodes_of_attempt | random_line; }
# A node of the attempt that is not the job's first.
other_node() {
  local host; host=$(batch_host)
  nodes_of_attempt | grep -vx "$host" | head -n 1
}

inject_rank_killed() { local draw=$RANDOM pid; pid=$(rank_on "$(random_node)") && [[ -n $pid ]] && cluster run -- kill -KILL "$pid"; }
inject_rank_stopped() { local draw=$RANDOM pid; pid=$(rank_on "$(random_node)") && [[ -n $pid ]] && cluster run -- kill -STOP "$pid"; }
inject_slurmstepd_killed() {
  local draw=$RANDOM pid parent
  pid=$(rank_on "$(random_node)") && [[ -n $pid ]] || return 1
  parent=$(cluster run -- ps -o ppid= -p "$pid" | tr -d ' ')
  [[ -n $parent && $parent != 1 ]] && cluster run -- kill -KILL "$parent"
}
inject_node_killed() { local node; node=$(other_node) && [[ -n $node ]] && cluster kill-node "${node#n}" >/dev/null; }
inject_batch_host_killed() {
  # Without a second node there is no watcher, and Slurm itself needs its SlurmdTimeout.
  local node; node=$(batch_host) && [[ $node == n* ]] || return 1
  cluster kill-node "${node#n}" >/dev/null
}
inject_link_cut() { local node; node=$(other_node) && [[ -n $node ]] && cluster cut-link "${node#n}" >/dev/null; }

# Both damage the newest checkpoint and then make the run need it.
damage_newest() {
  local draw=$RANDOM folder file size
  folder=$(ls -d "$run"/checkpoints/step-???????? 2>/dev/null | tail -n 1)
  [[ -n $folder ]] || return 1
  file=$(find "$folder" -type f 2>/dev/null | sort | random_line)
  size=$(stat -c %s "$file" 2>/dev/null) || return 1
  ((size > 0)) || return 1
  case $1 in
    flip) flip_bit "$file" $(((RANDOM * 32768 + RANDOM) % size)) $((RANDOM % 8)) ;;
    cut) truncate -s $(((RANDOM * 32768 + RANDOM) % size)) "$file" 2>/dev/null ;;
  esac
}
flip_bit() {
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
  printf "$(printf '\\%03o' $((byte ^ (1 << $3))))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
inject_bit_flip() { inject_rank_killed && damage_newest flip; }
inject_truncated() { inject_rank_killed && damage_newest cut; }

inject_cancelled() {
  cluster run -- scancel "$(job)"
  await_rest && cluster run -- "$program" resume "$run" >/dev/null
}
inject_paused() {
  cluster run -- "$program" pause "$run" >/dev/null 2>&1 || return 1
  await_rest && cluster run -- "$program" resume "$run" >/dev/null
}
# The run's last event is an end, and its job has left the queue.
await_rest() {
  local until=$((SECONDS + 60))
  until ! cluster run -- squeue --noheader --states all --jobs "$(job)" --format %T 2>/dev/null | grep -qE 'RUNNING|PENDING|COMPLETING'; do
    ((SECONDS < until)) || return 1
    sleep 0.3
  done
  ! completed
}
inject_requeued() { cluster run -- scontrol requeue "$(job)" 2>/dev/null; }
# Slurm warns as soon as less than the script's lead is left.
inject_time_limit() {
  local elapsed; elapsed=$(cluster run -- squeue --noheader --jobs "$(job)" --format %M | awk -F: '{ print $(NF - 1) + 60 * (NF > 2 ? $1 : 0) }')
  local attempts; attempts=$(count_of attempt-ended)
  cluster run -- scontrol update "jobid=$(job)" "timelimit=$((elapsed + 2))" 2>/dev/null && await_attempt_end "$attempts"
}
count_of() { grep -c "\"event\":\"$1\"" "$run/events.jsonl" || true; }
# Slurm takes its time to warn and to preempt: the fault is there when the attempt ends.
await_attempt_end() {
  local until=$((SECONDS + 90))
  until (($(count_of attempt-ended) > $1)); do
    ((SECONDS < until)) || return 1
    sleep 0.3
  done
}
healed_limit() { cluster run -- scontrol update "jobid=$(job)" timelimit=30 2>/dev/null || true; }
inject_preempted() {
  local attempts nodes; attempts=$(count_of attempt-ended) nodes=$(nodes_of_attempt | paste -sd, -)
  cluster run -- sbatch --parsable --partition=urgent --nodelist="$nodes" --exclusive --time=1 --output=/dev/null --wrap 'sleep 2' >/dev/null
  await_attempt_end "$attempts"
}

inject_disk_full() { dd if=/dev/zero of="$work/fill" bs=1M status=none 2>/dev/null || true; sleep 3; disk_heals; }
inject_disk_refuses() { mkdir -p "$run/checkpoints" && chattr +i "$run/checkpoints" && sleep 3; disk_heals; }
inject_disk_hangs() { fsfreeze --freeze "$work" && sleep 4; fsfreeze --unfreeze "$work"; }
disk_heals() {
  ((has_disk)) || return 0
  rm -f "$work/fill"
  local folder
  for folder in "$work"/runs/*/checkpoints; do [[ ! -d $folder ]] || chattr -i "$folder"; done
}

heal() {
  case $1 in
    node-killed | batch-host-killed | link-cut) nodes_back ;;
    time-limit) healed_limit ;;
  esac
}
