# SPDX-License-Identifier: Apache-2.0
# Sourced by the cluster tests of faults: cluster_lib.sh, and what a run is compared with.
#   source recovery_lib.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"

digest_of() { sha256sum <"$1/adapter/adapter_model.safetensors"; }

# A run of 60 steps that saves every ten. Held after step 20 it has the checkpoint of step 10, and goes on from there when it dies; when
# it is asked to stop it saves step 20.
recoverable_recipe() {
  steps=60 tiny_recipe "$@"
  echo 'checkpoint: { every_steps: 10 }' >>"$work/recipe.yaml"
}
# The adapter of the same recipe when nobody disturbs it: on one rank, without Slurm.
undisturbed() {
  "$program" train "$work/recipe.yaml" --set "output_dir=$work/alone" >"$work/alone.out" 2>&1 </dev/null ||
    die "the undisturbed run has failed: $(tail -n 3 "$work/alone.out")"
  digest_of "$(echo "$work"/alone/tiny-*)"
}

submit() {
  cluster run -- "$program" submit "$work/recipe.yaml" "$@" </dev/null
  run=$(the_run)
}
# submit_held ...: until the run is held after step 20.
submit_held() {
  hold 20
  submit "$@"
  await_held 20
}

completed() { [[ -s $run/completed.json ]]; }
has_event() { grep -qs "\"event\":\"$1\"" "$run/events.jsonl"; }
# restored_at STEP...: whether the run went on from these steps, one after the other, and never otherwise.
restored_at() { [[ $(sed -nE 's/.*"event":"restored".*"step":([0-9]+).*/\1/p' "$run/events.jsonl" | xargs) == "$*" ]]; }
event_count() { grep -cs "\"event\":\"$1\"" "$run/events.jsonl" || true; }

# seconds_between EVENT EVENT: from the first of the one to the first of the other.
seconds_between() {
  local a b
  a=$(sed -nE "s/^\{\"t\":\"([^\"]*)\",\"event\":\"$1\".*/\1/p" "$run/events.jsonl" | head -n 1)
  b=$(sed -nE "s/^\{\"t\":\"([^\"]*)\",\"event\":\"$2\".*/\1/p" "$run/events.jsonl" | head -n 1)
  awk -v a="$(date -d "$a" +%s.%3N)" -v b="$(date -d "$b" +%s.%3N)" 'BEGIN { printf "%.1f", b - a }'
}
noticed_after() { sed -nE 's/.*"noticed_after_s":([0-9.]+).*/\1/p' "$run/events.jsonl" | head -n 1; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }

# The process of rank R of the newest attempt, as the login node numbers it.
pid_on() {
  local pid
  for pid in $(cluster run -- pgrep -f 'peft-studio-worker train'); do
    if [[ $(cluster run -- cat "/proc/$pid/environ" | tr '\0' '\n' | sed -n 's/^SLURMD_NODENAME=//p') == "$1" ]]; then echo "$pid"; fi
  done
}

expect_the_undisturbed_result() {
  check "the run is not completed: $(tail -n 3 "$run/events.jsonl")" completed
  check "the adapter differs from the undisturbed run's" test "$(digest_of "$run")" = "$reference"
  await "workers gone" no_worker_left
}
submitted_job() { sed -nE 's/.*"event":"submitted","job_id":"([0-9]+)".*/\1/p' "$run/events.jsonl"; }
# Warned of its time limit while it was held after step 20.
expect_requeued_and_completed() {
  local job; job=$(submitted_job)
  check "the time limit is not the reason: $(grep requeued "$run/events.jsonl")" grep -q '"event":"requeued".*time limit' "$run/events.jsonl"
  await "completion" completed
  await "the event" has_event completed
  check "it has more than one job" test "$(event_count submitted)" = 1
  # The supervisor that Slurm ends by the requeue is not followed by another one, which would begin an attempt and say it once more.
  check "it was put back by more than one word: $(cat "$run/events.jsonl")" test "$(event_count requeued)" = 1
  check "there is an attempt that did nothing" test "$(find "$run/attempts" -mindepth 1 -maxdepth 1 | wc -l)" = 2
  check "the job was put back more than once" grep -q ' Restarts=1 ' <<<"$(cluster run -- scontrol show job "$job")"
  check "it lost steps: $(cat "$run/events.jsonl")" restored_at 20
  expect_the_undisturbed_result
}
