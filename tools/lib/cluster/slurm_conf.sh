# SPDX-License-Identifier: Apache-2.0
# Sourced by outer.sh: writes the configuration of the local cluster into $STATE.
# Reads NODES, CPUS_PER_NODE, STATE, PST_CLUSTER_UID, and SHAPE: a file with nodes and partitions to take in place of ours.
# Addresses: the login node 10.9.0.254, node i 10.9.0.<i>.

write_slurm_conf() {
  local memory_mb
  memory_mb=$(awk '/^MemTotal:/ { print int($2 / 1024 * 0.45) }' /proc/meminfo)  # two nodes at work fit the machine

  cat >"$STATE/slurm.conf" <<CONF
# Written by tools/local-cluster; gone after 'down'.
ClusterName=local
SlurmctldHost=login(10.9.0.254)
# One machine in a closed network: nobody to authenticate against, and no munge daemon needed.
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
SlurmUser=$PST_CLUSTER_UID
SlurmdUser=$PST_CLUSTER_UID
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobCompType=jobcomp/filetxt
JobCompLoc=$STATE/jobcomp.log
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SlurmctldPort=6817
SlurmdPort=6818
SlurmctldTimeout=10
SlurmdTimeout=10
KillWait=30
MinJobAge=3600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=sched_interval=2,bf_interval=5,batch_sched_delay=0
StateSaveLocation=$STATE/slurmctld
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdSpoolDir=$STATE/nodes/%n/spool
SlurmdPidFile=$STATE/nodes/%n/slurmd.pid
SlurmdLogFile=$STATE/nodes/%n/slurmd.log
CONF
  if [[ -n ${SHAPE:-} ]]; then cat "$SHAPE" >>"$STATE/slurm.conf"; return; fi
  echo "DefMemPerCPU=$((memory_mb / CPUS_PER_NODE))" >>"$STATE/slurm.conf"
  local i
  for ((i = 1; i <= NODES; i++)); do
    echo "NodeName=n$i NodeAddr=10.9.0.$i CPUs=$CPUS_PER_NODE RealMemory=$memory_mb State=UNKNOWN"
  done >>"$STATE/slurm.conf"
  # A job in `urgent` takes the nodes of those in `main`, which go back into the queue.
  {
    echo "PartitionName=main Nodes=n[1-$NODES] Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=10"
    echo "PartitionName=urgent Nodes=n[1-$NODES] MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF"
  } >>"$STATE/slurm.conf"
}

# Nothing here uses control groups, but slurmd 22.05 always loads its plugin for them and stops when that fails. Version 2
# wants systemd, which may be missing in a container, and detection wants /sys/fs/cgroup; version 1 does nothing when loaded.
write_cgroup_conf() { echo "CgroupPlugin=cgroup/v1" >"$STATE/cgroup.conf"; }

write_hosts() {
  {
    printf '127.0.0.1 localhost\n10.9.0.254 login\n'
    local i
    for ((i = 1; i <= NODES; i++)); do printf '10.9.0.%d n%d\n' "$i" "$i"; done
  } >"$STATE/hosts"
}
