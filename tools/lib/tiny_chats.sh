# SPDX-License-Identifier: Apache-2.0
# Sourced: small data for tests and campaigns.
#   tiny_chats COUNT [varied]    chats as JSON lines on standard output; varied: of different lengths, so that packing has work
tiny_chats() {
  local i filler=''
  for ((i = 0; i < $1; i++)); do
    [[ ${2:-} != varied ]] || filler=$(printf 'well, %.0s' $(seq $((i % 9))))' '
    printf '{"messages": [{"role": "user", "content": "what is %d plus %d?"}, {"role": "assistant", "content": "%sit is %d"}]}\n' \
      "$i" $((i * 3)) "$filler" $((i * 4))
  done
}
