#!/bin/bash
# The job of one PEFT Studio run. Made by `peft-studio submit` from jobscripts/train.sh.in: directives, environment and
# one call. What to start, what to do when it fails and what counts as success is decided by that call, in C++.
#SBATCH --job-name=support-lora
#SBATCH --output=/scratch/runs/support-lora-7f3a/slurm-%j.log
#SBATCH --open-mode=append
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=4
#SBATCH --mem=64G
#SBATCH --time=02:00:00
#SBATCH --account=project-1
#SBATCH --partition=gpu
#SBATCH --qos=normal
#SBATCH --constraint="a100&nvlink"
#SBATCH --reservation=class
#SBATCH --nodelist=n[1-8]
#SBATCH --exclude=n3
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --signal=B:USR2@150
#SBATCH --export=HOME,LANG,PATH

# Only the variables above came with the job, so no token of the submitting shell is in here or in Slurm's database.
# What is in here now goes on to the steps.
export SLURM_EXPORT_ENV=ALL
umask 027
ulimit -c 0       # a core file of every rank would fill the disk
exec </dev/null   # srun would eat this script's input

peft_studio='/opt/pst/bin/peft-studio'
run='/scratch/runs/support-lora-7f3a'

# In the background with `wait`, because bash runs a trap only when no foreground program is in its way.
supervise() {
  "$peft_studio" supervise "$run" &
  supervisor=$!
  while kill -0 "$supervisor" 2>/dev/null; do
    wait "$supervisor"   # a trap ends this early
  done
  wait "$supervisor"     # bash has kept its exit status
}
trap 'kill -TERM "$supervisor" 2>/dev/null' TERM
trap 'kill -USR2 "$supervisor" 2>/dev/null' USR2
for _ in 1 2 3; do
  supervise
  status=$?
  ((status > 128)) || break   # more means that it was killed: the run can go on
done
exit "$status"
