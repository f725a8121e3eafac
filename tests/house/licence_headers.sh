#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every source says under which licence it is. `tools/licence-headers --apply` gives the line to those without.
set -euo pipefail
exec python3 tools/licence-headers --check
