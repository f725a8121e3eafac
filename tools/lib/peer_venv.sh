# SPDX-License-Identifier: Apache-2.0
# Sourced after steps.sh: the virtual environment with the peers we compare ourselves with, transformers + PEFT + bitsandbytes. Nothing
# but tools/parity and tools/bench uses it; our programs never run Python.

readonly PEER_WHEELS=$PST_ROOT/tools/lib/peer-wheels.txt

# Leaves a Python with all of them at .deps/parity/bin/python.
peer_venv() {
  local venv=$PST_ROOT/.deps/parity
  if cmp -s "$PEER_WHEELS" "$venv/stamp"; then return; fi
  step --try "apt-get install python3-venv; is PyPI reachable? is this Python 3.11 to 3.13 on x86-64?" \
    "transformers + PEFT: a virtual environment (5 GB)" _make_peer_venv "$venv"
}

_make_peer_venv() {
  local venv=$1
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --disable-pip-version-check --no-input --no-deps --only-binary :all: --require-hashes -r "$PEER_WHEELS"
  cp "$PEER_WHEELS" "$venv/stamp"
}
