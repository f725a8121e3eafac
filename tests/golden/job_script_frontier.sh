#!/bin/bash
# The job of one PEFT Studio run. Made by `peft-studio submit` from jobscripts/train.sh.in, the recipe and the site profile
# olcf-frontier: directives, environment and one call. What to start, what to do when it fails and what
# counts as success is decided by that call, in C++.
#SBATCH --job-name=support-lora
#SBATCH --output=/scratch/runs/support-lora-7f3a/slurm-%j.log
#SBATCH --open-mode=append                  # a job that was put back into the queue writes on
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4                 # one worker each
#SBATCH --cpus-per-task=7                   # cores of a worker
#SBATCH --gpus-per-node=4
#SBATCH --time=02:00:00
#SBATCH --account=abc123
#SBATCH --partition=batch
#SBATCH --network=disable_rdzv_get          # of the site
#SBATCH --requeue                           # may go back into the queue, and continues from its newest checkpoint
#SBATCH --no-kill                           # the run outlives a dead node: the supervisor goes on with the others
#SBATCH --signal=B:USR2@150                 # seconds before the end this script is told to save and leave
#SBATCH --export=HOME,LANG,PATH             # nothing else leaves the submitting shell

# Only the variables above came with the job, so no token of the submitting shell is in here or in Slurm's database.
# What is in here now goes on to the steps.
export SLURM_EXPORT_ENV=ALL
umask g-w,o-rwx   # and whatever else the submitting shell keeps back
ulimit -c 0       # a core file of every rank would fill the disk
exec </dev/null   # srun would eat this script's input

peft_studio='/opt/pst/bin/peft-studio'
run='/scratch/runs/support-lora-7f3a'

# Variables of the site profile, for its network and libraries.
export FI_CXI_RDZV_PROTO='alt_read'
export NCCL_SOCKET_IFNAME='hsn0,hsn1,hsn2,hsn3'

# In the background with `wait`, because bash runs a trap only when no foreground program is in its way.
supervise() {
  "$peft_studio" supervise "$run" $again &
  supervisor=$!
  while kill -0 "$supervisor" 2>/dev/null; do
    wait "$supervisor"   # a trap ends this early
  done
  wait "$supervisor"     # bash has kept its exit status
}
trap 'kill -TERM "$supervisor" 2>/dev/null' TERM
trap 'kill -USR2 "$supervisor" 2>/dev/null' USR2
begun=$(date +%s)
again=
for _ in 1 2 3; do
  supervise
  status=$?
  ((status > 128)) || break      # more means that it was killed: the run can go on,
  again="--again-since $begun"   # unless its last word was how the run ended, or that it is put back into the queue
done
exit "$status"
