#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Counts what breadth.txt limits, and prints every place beyond a limit's word.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
list=$(dirname -- "${BASH_SOURCE[0]}")/breadth.txt

# mentions WORD ROOM...: places in src but for the rooms, in a line or in a file's name. Names of other programs and of papers are none.
mentions() {
  { find src -type f -iname "*$1*" -printf '%p:0:its name\n'; grep -rniE -- "$1" src || true; } | sort |
    awk -F: -v word="$1" -v rooms="${*:2}" '
      BEGIN { count = split(rooms, room, " ") }
      {
        for (i = 1; i <= count; ++i) if ($1 == room[i] || index($1, room[i] "/") == 1) next
        text = tolower(substr($0, length($1 $2) + 3))
        gsub(/llama[-_ .]?factory|llama\.cpp|qlora|lora\+|loraplus/, "", text)  # LoRA+ is a way to optimize
        if ($2 == 0 || index(text, word)) print
      }'
}

# same_names ROOM...: a folder's table.cpp is its table of rows, and a room's folders say the rest of a name.
same_names() {
  find src -type f \( -name '*.hpp' -o -name '*.cpp' \) ! -name 'table.?pp' -printf '%p %f\n' | sort |
    awk -v rooms="$*" '
      BEGIN { count = split(rooms, room, " ") }
      {
        for (i = 1; i <= count; ++i) if (index($1, room[i] "/") == 1) next
        times[$2]++
        where[$2] = where[$2] " " $1
      }
      END { for (name in times) if (times[name] > 1) print name ":" where[name] }' | sort
}

count=0
while IFS='|' read -r word most rooms; do
  read -r word <<<"$word"
  read -r most <<<"$most"
  if [[ -z $word || $word == '#'* ]]; then continue; fi
  count=$((count + 1))
  case $word in
    '(basenames)') places=$(same_names $rooms) ;;
    *) places=$(mentions "$word" $rooms) ;;
  esac
  found=$(grep -c . <<<"$places" || true)
  echo "$word: $found, at most $most"
  if ((found > most)); then
    printf '%s\n' "$places"
    complain "$word: $found places; $list allows $most"
  fi
done <"$list"
finish "$count" "limits"
