# SPDX-License-Identifier: Apache-2.0
# Sourced after steps.sh: the virtual environment with the peers we compare ourselves with, transformers + PEFT + bitsandbytes. Nothing
# but tools/parity and tools/bench uses it; our programs never run Python.

readonly PEER_PACKAGES=(torch==2.11.0 transformers==5.23.0 peft==0.21.2 bitsandbytes==0.50.2 safetensors==0.8.0 numpy==2.4.6 jinja2==3.1.6)

# Leaves a Python with all of them at .deps/parity/bin/python.
peer_venv() {
  local venv=$PST_ROOT/.deps/parity
  if [[ -s $venv/stamp && $(<"$venv/stamp") == "${PEER_PACKAGES[*]}" ]]; then return; fi
  step --try "apt-get install python3-venv; is PyPI reachable?" "transformers + PEFT: a virtual environment (5 GB)" _make_peer_venv "$venv"
}

_make_peer_venv() {
  local venv=$1
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --disable-pip-version-check --no-input "${PEER_PACKAGES[@]}"
  printf '%s' "${PEER_PACKAGES[*]}" >"$venv/stamp"
}
