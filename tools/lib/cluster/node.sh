#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One node of the local cluster, seen from the login node's namespaces.
#
#   node.sh start|kill|cut|restore I
#
# A node is a set of namespaces of its own (mount, host name, IPC, network, processes) around one slurmd, so it has a
# true host name, address, /tmp and /dev/shm; Open MPI takes it for a separate machine. When its first process is killed
# everything on the node dies at once, like a machine that loses power.
set -euo pipefail
readonly verb=$1 i=$2 STATE=$PST_CLUSTER_STATE
readonly node=n$i dir=$STATE/nodes/n$i

alive() { [[ -s $dir/pid ]] && kill -0 "$(<"$dir/pid")" 2>/dev/null; }

start() {
  if alive; then return; fi
  ip link del "h$i" 2>/dev/null || true  # left over from a node that died
  mkdir -p "$dir/spool"
  unshare --mount --uts --ipc --net --pid --fork --mount-proc --kill-child \
    bash "${BASH_SOURCE[0]}" inside "$i" >"$dir/boot.log" 2>&1 </dev/null &
  local pid=$!
  echo "$pid" >"$dir/pid"

  # The process above enters its network namespace itself; only then is there one to put a link's end into.
  local own tries=0
  own=$(readlink /proc/self/ns/net)
  until [[ $(readlink "/proc/$pid/ns/net" || echo "$own") != "$own" ]]; do
    if ! kill -0 "$pid" 2>/dev/null || ((++tries > 500)); then
      echo "node $node has not started: $(tail -n 3 "$dir/boot.log")" >&2
      return 1
    fi
    sleep 0.01
  done
  ip link add "h$i" type veth peer name e0 netns "$pid"
  ip link set "h$i" master br0 up
}

# What runs as the first process of the node.
inside() {
  hostname "$node"
  private_folders /tmp /dev/shm
  ip link set lo up
  local tries=0
  until ip link show e0 >/dev/null 2>&1; do ((++tries < 1000)); sleep 0.01; done
  ip addr add "10.9.0.$i/24" dev e0
  ip link set e0 up
  source "$(dirname -- "${BASH_SOURCE[0]}")/as_caller.sh"
  as_caller slurmd -D -N "$node" -f "$STATE/slurm.conf"
}

# Every node has its own empty /tmp and /dev/shm, as in life. The folders of PST_CLUSTER_SHARE (one a line) that lie in
# there stay visible: they stand for the cluster's parallel file system.
private_folders() {
  local -a fds=() paths=()
  local path fd
  while IFS= read -r path; do
    case $path/ in
      /tmp/* | /dev/shm/*) exec {fd}<"$path"; fds+=("$fd"); paths+=("$path") ;;
    esac
  done <<<"$PST_CLUSTER_SHARE"
  for path in "$@"; do mount -t tmpfs -o mode=1777 "peft-studio-$node" "$path"; done
  local k
  for k in "${!fds[@]}"; do
    fd=${fds[$k]}
    mkdir -p "${paths[$k]}"
    mount --no-canonicalize --bind "/proc/self/fd/$fd" "${paths[$k]}"
    exec {fd}<&-
  done
}

# No power: every process of the node is gone, its link with it.
kill_node() {
  alive && kill -KILL "$(<"$dir/pid")"
  local tries=0
  while alive && ((++tries < 500)); do sleep 0.01; done
}

case $verb in
  start) start ;;
  inside) inside ;;
  kill) kill_node || true ;;
  cut) ip link set "h$i" down ;;  # the node goes on, nobody hears it
  restore) if alive; then ip link set "h$i" up; else start; fi ;;
  alive) alive ;;
esac
