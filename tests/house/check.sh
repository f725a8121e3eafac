# SPDX-License-Identifier: Apache-2.0
# Sourced by the house's tests: collects complaints, file:line first, and fails when there is one.
set -euo pipefail
complaints=0
complain() { printf '%s\n' "$*"; complaints=$((complaints + 1)); }
# A check that looked at nothing proves nothing.
finish() {
  local looked_at=$1 what=$2
  if ((looked_at == 0)); then complain "no $what found: is this the root of the repository?"; fi
  echo "$looked_at $what, $complaints complaints"
  exit $((complaints > 0))
}
