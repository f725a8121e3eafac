#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/local-cluster: nodes are separate machines, they can die and come back, and afterwards nothing is left.
source "$(dirname -- "${BASH_SOURCE[0]}")/cluster_lib.sh" "$1"

links_before=$(ip -o link | wc -l)
start_cluster

# Four host names, four addresses, and a /tmp that the others do not see.
hosts=$(cluster run -- srun -N4 hostname </dev/null | sort | tr '\n' ' ')
check "host names are '$hosts'" test "$hosts" = "n1 n2 n3 n4 "
cluster run -- srun -N1 -w n1 touch /tmp/mark </dev/null
check "n2 sees the /tmp of n1" test "$(cluster run -- srun -N1 -w n2 bash -c 'ls /tmp/mark 2>/dev/null || echo none' </dev/null)" = none
check "the repository is not visible on a node" cluster run -- srun -N1 -w n2 test -f "$PWD/CMakeLists.txt" </dev/null

# The command's status is ours; so is what it prints.
status=0; cluster run -- bash -c 'exit 7' || status=$?
check "status $status, not 7" test "$status" = 7

# A node that loses power takes its processes along, one whose link is cut does not; both come back.
cluster run -- sbatch --quiet -o /dev/null -w n3 --wrap 'sleep 985'
job_runs() { cluster run -- pgrep -x -f 'sleep 985' >/dev/null; }
await "a job on n3" job_runs
cluster kill-node 3
if job_runs; then die "a process of n3 has survived"; fi
reaches_n4() { cluster run -- timeout -s KILL 1 bash -c "exec 3<>/dev/tcp/10.9.0.4/6818" 2>/dev/null; }
check "n4 is not reachable" reaches_n4
cluster cut-link 4
if reaches_n4; then die "n4 still answers with its link cut"; fi
cluster restore 3
cluster restore 4
# "*" is Slurm's mark of a node that does not answer. (The lost job may keep n3 from being idle for a while.)
all_answer() { [[ $(cluster run -- sinfo --noheader --partition main --Node --format=%t | grep -cE '^(idle|mix|alloc|comp)$') == 4 ]]; }
await "all four nodes to answer again" all_answer

status=0; cluster kill-node 5 2>/dev/null || status=$?
check "kill-node 5 of 4: status $status, not 64" test "$status" = 64

pid=$(<"$state/pid")
cluster down >/dev/null
check "process $pid is still there" bash -c "! kill -0 $pid 2>/dev/null"
if pgrep -a -f "slurm(d|ctld) .*$state"; then die "daemons are still there"; fi
check "the state folder is still there" test ! -e "$state"
check "mounts are left" bash -c '! grep -q "$1" /proc/mounts' bash "$state"
check "links are left" test "$(ip -o link | wc -l)" = "$links_before"
status=0; cluster status >/dev/null || status=$?
check "status after down: $status, not 1" test "$status" = 1
