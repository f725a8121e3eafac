#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two users of one machine, with a project folder in which both write (set-group-ID, umask 002): what one of them puts
# in the other's way is neither believed, nor run, nor replaces anything; and each goes on working in the folder.
#   two_users.sh BUILD_FOLDER
set -euo pipefail
if ((EUID != 0)); then echo "skipped: only root can become two other users"; exit 77; fi
command -v setpriv >/dev/null || { echo "skipped: there is no setpriv here"; exit 77; }
build=$1
readonly victim=4343 stranger=4242 group=5000
work=$(mktemp -d /tmp/pst-two-users-XXXXXX)  # both have to reach it
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
die() { echo "FAILED: $*"; exit 1; }

# as UID COMMAND...: with the group, umask 002 and a home of their own.
as() {
  local uid=$1
  shift
  (umask 002 && cd "$project" && exec setpriv --reuid "$uid" --regid "$group" --clear-groups \
    env HOME="$work/home-$uid" PATH="$work/bin:$PATH" PST_WORKER="$work/bin/peft-studio-worker" "$@")
}
# refused WORDS UID COMMAND...: it fails and says so.
refused() {
  local words=$1 out
  shift
  if out=$(as "$@" 2>&1); then die "not refused: ${*:2}: $out"; fi
  grep -q -- "$words" <<<"$out" || die "refused with other words than '$words': $out"
}
owner() { stat -c %u -- "$1"; }

project=$work/project
mkdir "$work/bin" "$project"
for uid in $victim $stranger; do mkdir -m 700 "$work/home-$uid"; chown $uid:$group "$work/home-$uid"; done
chown root:$group "$project"
chmod 2775 "$project"
cp "$build/bin/peft-studio" "$build/bin/make-tiny-model" "$work/bin"
cat >"$work/bin/peft-studio-worker" <<'WORKER'
#!/bin/sh
tr '\0' ' ' </proc/$$/cmdline; echo
echo "prompt: $PST_PROMPT"
WORKER
printf '#!/bin/sh\necho 12\n' >"$work/bin/sbatch"
printf '#!/bin/sh\nexit 0\n' >"$work/bin/squeue"
chmod 755 "$work"/bin/*
source tools/lib/tiny_chats.sh
tiny_chats 24 >"$work/chats.jsonl"
"$work/bin/make-tiny-model" "$work/model" >/dev/null
chmod -R a+rX "$work/model" "$work/chats.jsonl"
recipe_of() { # UID: their recipe in the project, writable for the group as umask 002 leaves it
  as "$1" sh -c 'cat >"$1"' _ "$project/recipe-$1.yaml" <<RECIPE
name: r$1
model: { path: $work/model }
data: { train: [ { path: $work/chats.jsonl, format: chat } ], max_length: 128 }
slurm: { site: auto }
output_dir: $project/runs
RECIPE
}
recipe_of $victim
recipe_of $stranger
pst() { as "$1" peft-studio "${@:2}"; }

# The project folder is of use to both: recipes that start nothing, runs side by side, data prepared by each.
pst $victim data prepare "$project/recipe-$victim.yaml" >/dev/null || die "the victim cannot prepare"
store=$(echo "$project"/runs/.prepared/*)
[[ $(stat -c %a "$project/runs/.prepared") == 2775 ]] || die ".prepared is not shared: $(stat -c %a "$project/runs/.prepared")"
pst $stranger data prepare "$project/recipe-$stranger.yaml" >/dev/null || die "the other user cannot prepare in the same folder"
[[ $(owner "$store-$stranger") == "$stranger" ]] || die "the other user has no store of their own"
for uid in $victim $stranger; do pst $uid submit "$project/recipe-$uid.yaml" >/dev/null || die "$uid cannot submit"; done

# Nobody else writes into a run, a store or their files.
run=$(echo "$project"/runs/r$victim-*)
for file in "$run/recipe.yaml" "$run/site.yaml" "$run/job.sh" "$run/events.jsonl" "$store/meta.json" "$store/train.ids"; do
  if as $stranger sh -c 'echo >>"$1"' _ "$file" 2>/dev/null; then die "$file can be written by another user"; fi
done
if as $stranger rm -rf "$run/job.sh" 2>/dev/null; then die "another user can remove files of a run"; fi

# A store that was put in the place of ours is not trained on, and stays as it is.
as $stranger sh -c 'mv "$1" "$1.gone" && cp -r "$1-$2" "$1"' _ "$store" $stranger || die "the scene cannot be set"
pst $victim data prepare "$project/recipe-$victim.yaml" >"$work/out" 2>&1 || die "cannot prepare again: $(cat "$work/out")"
if grep -q "prepared earlier" "$work/out"; then die "another user's store was believed"; fi
[[ $(owner "$store-$victim") == "$victim" && $(owner "$store") == "$stranger" ]] || die "a store was replaced"

# A run whose recipe the group may write, as older versions and editors leave it: what is added there is not run.
edit() { # UID EXPRESSION FILE: by sed, in place, without the right to make files beside it
  as "$1" sh -c 'new=$(sed "$1" "$2") && printf "%s\n" "$new" >"$2"' _ "$2" "$3" || die "the scene cannot be set: $3"
}
pst $victim cancel "$run" >/dev/null 2>&1 || true  # it rests
chmod g+w "$run/recipe.yaml"
edit $stranger "s|^  command: .*|  command: [/bin/touch, $project/pwned]|" "$run/recipe.yaml"
grep -q pwned "$run/recipe.yaml" || die "the recipe has no notify.command: $(grep -A6 notify "$run/recipe.yaml")"
refused "notify.command is not believed: its group '$group' may write it" $victim peft-studio resume "$run"
refused "notify.command is not believed: its group '$group' may write it" $victim peft-studio validate "$run/recipe.yaml"
edit $victim "s|^  command: .*|  command: []|" "$run/recipe.yaml"
chmod g+w "$run/site.yaml"
edit $stranger "s|^setup: .*|setup: [touch $project/pwned]|" "$run/site.yaml"
grep -q pwned "$run/site.yaml" || die "the profile has no setup: $(cat "$run/site.yaml")"
refused "site profile .* is not believed: its group '$group' may write it" $victim peft-studio resume "$run"
[[ ! -e $project/pwned ]] || die "another user's command was run"

# Names that can be known beforehand.
for kind in folder link; do
  if [[ $kind == folder ]]; then
    as $stranger mkdir "$project/$kind.part"
  else
    as $stranger mkdir "$project/theirs"
    as $stranger ln -s "$project/theirs" "$project/$kind.part"
  fi
  pst $victim model quantise "$work/model" "$project/$kind" --format nf4 >/dev/null || die "quantise fails beside a $kind"
  [[ $(owner "$project/$kind") == "$victim" && ! -L $project/$kind ]] || die "the result belongs to another user"
  if as $stranger sh -c 'echo x >>"$1/config.json"' _ "$project/$kind" 2>/dev/null; then die "the result can be written by another user"; fi
done
[[ -z $(ls "$project/theirs") ]] || die "a link was followed"

# A local cluster's folder that another user made first: nothing in there is run, as root neither.
as $stranger mkdir "$work/project/cluster"
as $stranger sh -c 'echo $$ >"$1/pid"; : >"$1/lock" >"$1/slurm.conf"; echo 4 1 >"$1/shape"' _ "$project/cluster"
for verb in status up "run -- true" down; do
  # shellcheck disable=SC2086
  if out=$(bash tools/local-cluster --dir "$project/cluster" $verb 2>&1); then die "another user's cluster was believed: $verb"; fi
  grep -q "is not believed: it is of uid $stranger" <<<"$out" || die "$verb: $out"
done

# What is said to a model does not stand in the list of processes.
out=$(pst $victim generate --model "$work/model" --prompt "my secret")
grep -q "prompt: my secret" <<<"$out" && ! grep -q "generate.*my secret" <<<"$out" || die "a worker's command line shows the prompt: $out"
out=$(echo "from a file" | pst $victim generate --model "$work/model" --prompt-file -)
grep -q "prompt: from a file" <<<"$out" || die "no prompt from standard input: $out"
echo "two users: nothing believed, nothing run, nothing replaced"
