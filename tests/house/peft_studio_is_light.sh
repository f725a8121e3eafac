#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `peft-studio` runs on a login node: neither torch nor MPI nor CUDA among the libraries it loads, directly or not.
#   peft_studio_is_light.sh PROGRAM
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
libraries=$(ldd "$1")
count=$(wc -l <<<"$libraries")
while IFS= read -r line; do complain "$1 loads $line"; done < <(grep -E 'libtorch|libc10|libmpi|libopen-(rte|pal)|libpmix|libcuda|libnccl' <<<"$libraries" || true)
while IFS= read -r line; do complain "$1 lacks $line"; done < <(grep 'not found' <<<"$libraries" || true)
finish "$count" "libraries"
