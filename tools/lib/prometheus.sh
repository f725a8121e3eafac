# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/run-tests: Debian's Prometheus in .deps/prometheus, unpacked and not installed. An installed one would be a service that
# starts with the machine; two tests want the program. They are skipped where it cannot be had.
PROMETHEUS=$PST_ROOT/.deps/prometheus

_unpack_prometheus() {
  local part=$PROMETHEUS.part
  rm -rf "$part"
  mkdir -p "$part"
  (cd "$part" && apt-get -o Acquire::Retries=3 download prometheus && dpkg-deb --extract prometheus_*.deb . && rm -f prometheus_*.deb)
  "$part/usr/bin/prometheus" --version
  rm -rf "$PROMETHEUS"
  mv "$part" "$PROMETHEUS"
}

prometheus_for_tests() {
  if command -v prometheus >/dev/null || [[ -x $PROMETHEUS/usr/bin/prometheus ]]; then
    say "  ok            Prometheus: there for its tests"
    return
  fi
  local log=$PST_ROOT/.deps/prometheus.log
  if command -v apt-get >/dev/null && _unpack_prometheus >"$log" 2>&1; then
    say "  ok            Prometheus: unpacked into .deps/prometheus for its tests"
  else
    say "  --            Prometheus is not to be had ($log says why): its tests will be skipped"
  fi
}
