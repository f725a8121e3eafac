#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A CPU run pays nothing for CUDA: the worker names neither libtorch_cuda nor a CUDA library itself, and nothing that it
# needs is missing. (libtorch_cpu of the CUDA wheel brings libcudart and libcupti along; they are small and need no driver.)
#   worker_needs_no_cuda.sh PROGRAM
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
needed=$(readelf -d "$1" | grep NEEDED)
count=$(wc -l <<<"$needed")
while IFS= read -r line; do complain "$1 names $line"; done < <(grep -E 'libtorch_cuda|libtorch\.so|libtorch_python|libcud|libnccl' <<<"$needed" || true)
while IFS= read -r line; do complain "$1 lacks $line"; done < <(ldd "$1" | grep 'not found' || true)
while IFS= read -r line; do complain "$1 loads $line"; done < <(ldd "$1" | grep 'libtorch_cuda' || true)
finish "$count" "libraries named"
