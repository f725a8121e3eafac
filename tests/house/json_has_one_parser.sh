#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# JSON is read by src/json, whose limits hold while the value is built. The library's own parse() has none. A reader of
# its own (a SAX handler, for a header of one shape) is listed here.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
own='src/weights/header.cpp'
count=0
while read -r file; do
  count=$((count + 1))
  case $file in src/json/* | "$own") continue ;; esac
  while IFS= read -r place; do complain "$file:$place: use json::read or json::parse of src/json"; done \
    < <(grep -nE '(ordered_json|nlohmann::json|Json|Ordered|Value)::(parse|sax_parse|accept|from_(bson|cbor|msgpack|ubjson|bjdata))\(' "$file" |
        cut -d: -f1)
done < <(find src -name '*.[ch]pp')
finish "$count" "files"
