#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What our tools fetch from PyPI has a digest beside it, and pip is told to demand it. Images and actions are named by theirs.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
count=0
for script in tools/setup tools/quickstart; do
  while IFS= read -r wheel; do
    count=$((count + 1))
    grep -q "^$wheel \\\\" packaging/libtorch.txt tools/lib/wheels.txt ||
      complain "$script: $wheel has no digest in packaging/libtorch.txt or tools/lib/wheels.txt"
  done < <(grep -oE '\b[a-z][a-z0-9-]*==[0-9][0-9.]*' "$script" | sort -u)
  # A command with its continued lines; what is only named in a hint for people fetches nothing.
  while IFS= read -r command; do
    [[ $command == *--require-hashes* ]] || complain "$script: pip without --require-hashes: $command"
  done < <(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$script" | grep -E '^ *"\$[a-z0-9]+" -m pip (install|download)')
done
# Those with a list of their own, of all that is installed.
for script in tools/docs tools/lib/peer_venv.sh; do
  list=$(grep -oE 'tools/lib/[a-z-]+-wheels\.txt' "$script" | head -n 1)
  count=$((count + $(grep -c '==' "$list")))
  while IFS= read -r wheel; do
    complain "$list: $wheel has no digest"
  done < <(awk '/==/ { if (name && !digests) print name; name = $1; digests = 0 } /--hash=sha256:/ { digests++ }
                END { if (!digests) print name }' "$list")
  while IFS= read -r command; do
    [[ $command == *--require-hashes* ]] || complain "$script: pip without --require-hashes: $command"
  done < <(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$script" | grep -E '/pip" (install|download)')
done
# What people and images are to type.
while IFS=: read -r file command; do
  count=$((count + 1))
  [[ $command == *--require-hashes* ]] || complain "$file: pip without --require-hashes: $command"
done < <(for file in docs/install.md packaging/apptainer/peft-studio.def; do
  sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$file" | grep -E 'pip install --no-deps' | sed "s|^|$file:|"
done)
while IFS=: read -r file line; do
  count=$((count + 1))
  [[ $line =~ @(sha256:[0-9a-f]{64}|[0-9a-f]{40})([^0-9a-f]|$) ]] || complain "$file: named by tag: $line"
done < <(grep -HE '(\buses|\bimage|^From):' packaging/forges/github/workflows/*.yml packaging/forges/gitlab/.gitlab-ci.yml packaging/apptainer/*.def)
finish "$count" "wheels, images and actions"
