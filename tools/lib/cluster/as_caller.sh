# SPDX-License-Identifier: Apache-2.0
# Sourced: replaces this process by a command run as the user who started the cluster.
#
# Whoever has no root makes the namespaces as "root" of a user namespace, which is needed for links and mounts. But there
# Slurm's daemons stop with "Failed to drop supplementary groups", and the user would see their own files as root's. So
# everything that is not set-up runs in one more user namespace, in which the user is again who they are.

as_caller() {
  # bash lets what it starts with "&" ignore SIGINT; jobs would inherit that from the daemons.
  local command=(env --default-signal=INT,QUIT "$@")
  ((PST_CLUSTER_UID == 0)) || command=(unshare --user --map-user="$PST_CLUSTER_UID" --map-group="$PST_CLUSTER_GID" -- "${command[@]}")
  exec "${command[@]}"
}
