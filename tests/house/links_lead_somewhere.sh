#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Relative links of README, docs and the other pages: the file is there, and so is the heading behind '#'.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
# A heading's anchor as GitHub makes it: lower case, punctuation gone, blanks to dashes.
anchors() { sed -n 's/^#\{1,6\} \{1,\}//p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }
count=0
while IFS= read -r page; do
  while IFS=: read -r line target; do
    count=$((count + 1))
    case $target in http://* | https://* | mailto:*) continue ;; esac
    file=${target%%#*} anchor=
    [[ $target != *'#'* ]] || anchor=${target#*#}
    path=$page
    [[ -z $file ]] || path=$(dirname -- "$page")/$file
    if [[ ! -e $path ]]; then complain "$page:$line: '$target' is not there"; continue; fi
    if [[ -n $anchor && $path == *.md ]] && ! anchors "$path" | grep -qxF -- "$anchor"; then
      complain "$page:$line: '$path' has no heading '#$anchor'"
    fi
  done < <(grep -noE '\]\([^) ]+\)' "$page" | sed -E 's/\]\((.*)\)$/\1/' || true)
done < <(find . -name '*.md' -not -path './build*' -not -path './.*' | sort)
finish "$count" "links"
