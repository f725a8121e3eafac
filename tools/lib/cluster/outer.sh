#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# First process of the local cluster's own namespaces ("the login node"): network, controller, nodes. When it ends, so
# does everything in the cluster, and with the namespaces go their links and mounts.
# Started by tools/local-cluster with PST_CLUSTER_STATE, PST_CLUSTER_SHARE, NODES and CPUS_PER_NODE in the environment.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
readonly here STATE=$PST_CLUSTER_STATE
source "$here/slurm_conf.sh"
source "$here/as_caller.sh"

hostname login
ip link set lo up
# Slurm looks addresses up with AI_ADDRCONFIG and Open MPI's TCP ignores lo: both need a real interface.
ip link add br0 type bridge forward_delay 0
ip addr add 10.9.0.254/24 dev br0
ip link set br0 up

write_slurm_conf
write_cgroup_conf
write_hosts
[[ ! -e /etc/hosts ]] || mount --bind "$STATE/hosts" /etc/hosts  # a bare chroot may have none
mkdir -p "$STATE/slurmctld"
export SLURM_CONF=$STATE/slurm.conf

as_caller slurmctld -D -f "$SLURM_CONF" >"$STATE/slurmctld.boot.log" 2>&1 </dev/null &
for ((i = 1; i <= NODES; i++)); do
  bash "$here/node.sh" start "$i"
done

# Stay, and reap what the cluster's processes leave behind.
while :; do
  sleep 3600 &
  wait $! || true
done
