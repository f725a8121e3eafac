#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every shipped site x every recipe x every partition: bash reads the job script, and a Slurm in the shape of the site takes it.
# What only a site's database knows (accounts, QOS) is not asked: local clusters have none, and their Slurm takes any.
#   sites_accepted.sh BUILD_FOLDER
set -euo pipefail
build=$1
program=$build/bin/peft-studio
mkdir -p "$build/e2e"
work=$(mktemp -d "$build/e2e/sites-XXXXXX")
state=$(mktemp -d -u "${XDG_RUNTIME_DIR:-/tmp}/pst-e2e-XXXXXX")
cluster() { bash tools/local-cluster --dir "$state" "$@"; }
finish() { local status=$?; trap - EXIT; cluster down >/dev/null; ((status != 0)) || rm -rf "$work"; exit "$status"; }
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
die() { printf 'FAILED: %s\n' "$*"; exit 1; }

mapfile -t recipes < <(find configs/recipes tests/e2e/site_recipes -name '*.yaml' | sort)
((${#recipes[@]} >= 4)) || die "only ${#recipes[@]} recipes"

# On the login node: one line for every script that Slurm refuses.
try_all='for script in "$@"; do words=$(sbatch --test-only "$script" 2>&1 </dev/null) || echo "$(basename "$script"): $words"; done'

tried=0
for profile in configs/sites/*.yaml; do
  site=$(basename "$profile" .yaml)
  made=$("$build/bin/print_job_scripts" configs/sites "$site" "$work/$site" "${recipes[@]}") || die "$site: $made"
  if [[ $made == "no Slurm" ]]; then echo "$site: a machine without Slurm, no job scripts"; continue; fi
  scripts=("$work/$site"/*.sh)
  for script in "${scripts[@]}"; do bash -n "$script" || die "$script"; done

  "$program" site show "$profile" --as-slurm-conf --nodes 64 >"$work/$site.conf"
  status=0
  out=$(cluster up --shape "$work/$site.conf" 2>&1) || status=$?
  if ((status == 69)); then echo "skipped: $out"; exit 77; fi
  ((status == 0)) || die "$site: the cluster has not come up: $out"
  refused=$(cluster run -- bash -c "$try_all" bash "${scripts[@]}")
  # It can say no: a job of more nodes than there are, and one for a partition that there is not.
  sed 's/^#SBATCH --nodes=.*/#SBATCH --nodes=65/' "${scripts[0]}" >"$work/too-many.sh"
  sed 's/^#SBATCH --nodes=.*/&\n#SBATCH --partition=nowhere/; /^#SBATCH --partition=[^n]/d' "${scripts[0]}" >"$work/nowhere.sh"
  for wrong in too-many nowhere; do
    [[ -n $(cluster run -- bash -c "$try_all" bash "$work/$wrong.sh") ]] || die "$site: $wrong.sh is accepted; this test shows nothing"
  done
  cluster down >/dev/null
  [[ -z $refused ]] || die "$site: sbatch --test-only refuses"$'\n'"$refused"
  echo "$site: ${#scripts[@]} job scripts accepted ($(grep -c fitted <<<"$made" || true) made to fit)"
  ((tried += ${#scripts[@]}))
done
echo "$tried job scripts of ${#recipes[@]} recipes"
