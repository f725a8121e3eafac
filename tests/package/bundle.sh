#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What tools/bundle makes, unpacked in an almost empty root: the C library, a shell and the torch folder; no MPI, no Python, no
# package. A tiny model is trained there as a single rank, its checkpoints are verified, the adapter answers. Then what the starter
# says where it finds no libtorch.
#   bundle.sh BUILD_FOLDER TORCH_FOLDER
# Needs a mount namespace: root, or user namespaces. Status 77 where there is neither, or no patchelf.
set -euo pipefail
if [[ ${3:-} != inside ]]; then
  command -v patchelf >/dev/null || { echo "SKIPPED: patchelf is not installed"; exit 77; }
  unshare --user --map-root-user --mount true 2>/dev/null || { echo "SKIPPED: there are no user namespaces here"; exit 77; }
  exec unshare --user --map-root-user --mount --pid --fork --kill-child bash "$0" "$1" "$2" inside
fi
build=$(realpath "$1") torch=$(realpath "$2")
root=$(mktemp -d "${TMPDIR:-/tmp}/pst-bare-XXXXXX")
mount -t tmpfs -o size=1g none "$root"  # gone with the namespace
trap 'cd /; umount -l "$root"; rmdir "$root"' EXIT
die() { printf 'FAILED: %s\n' "$*"; tail -n 20 "$root"/tmp/*.out 2>/dev/null || true; exit 1; }
checkout=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt")

"$checkout/tools/bundle" --no-build --build "$build" --output "$root/bundle.tar.gz" || die "tools/bundle has failed"

# The C library and a handful of programs, with what those need and nothing else.
mkdir -p "$root"/{bin,proc,dev,tmp,opt/site,lib64}
copy() { mkdir -p "$root$(dirname "$1")"; cp -L "$1" "$root$1"; }
for program in sh cat mkdir ls readlink; do
  path=$(command -v "$program")
  cp -L "$path" "$root/bin/$program"
  while read -r library; do copy "$library"; done < <(ldd "$path" | grep -o '/[^ ]*')
done
libc=$(dirname "$(ldd /bin/sh | grep -o '/[^ ]*libc\.so\.6')")
for library in libm.so.6 libdl.so.2 librt.so.1 libpthread.so.0 libutil.so.1 libresolv.so.2; do copy "$libc/$library"; done
mount --bind "$(dirname "$torch")" "$root/opt/site"
mount -t proc none "$root/proc"
for device in null zero urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mkdir "$root/dev/shm"
tar -xzf "$root/bundle.tar.gz" -C "$root/opt"
rm "$root/bundle.tar.gz"
home=$(basename "$(echo "$root"/opt/peft-studio-*)")

chroot=$(PATH=$PATH:/usr/sbin:/sbin command -v chroot)
bare() { env -i PATH=/bin HOME=/tmp "$chroot" "$root" "$@"; }
do_as() {
  local name=$1 status=0; shift
  bare "$@" >"$root/tmp/$name.out" 2>&1 </dev/null || status=$?
  ((status == 0)) || die "$name ended with status $status"
}
[[ ! -e $root/usr/bin/mpirun && ! -e $root/usr/bin/python3 && ! -e $root/etc ]] || die "the root is not bare"

do_as model "/opt/$home/libexec/peft-studio/make-tiny-model" /tmp/model
for ((i = 0; i < 24; i++)); do
  printf '{"messages": [{"role": "user", "content": "%d plus %d?"}, {"role": "assistant", "content": "it is %d"}]}\n' "$i" $((i * 3)) $((i * 4))
done >"$root/tmp/chats.jsonl"
cat >"$root/tmp/recipe.yaml" <<'RECIPE'
name: bare
model: { path: /tmp/model }
adapter: { r: 4, alpha: 8, target_modules: all-linear }
data: { train: [ { path: /tmp/chats.jsonl } ], validation_fraction: 0.1, max_length: 64 }
train: { epochs: 100, max_steps: 8, micro_batch_size: 2, global_batch_size: 4, precision: fp32, threads: 1 }
checkpoint: { every_steps: 4 }
output_dir: /tmp/runs
RECIPE

status=0
bare "/opt/$home/peft-studio" train /tmp/recipe.yaml >"$root/tmp/refused.out" 2>&1 </dev/null || status=$?
((status == 69)) || die "without libtorch the starter ended with status $status"
grep -q 'no libtorch was found' "$root/tmp/refused.out" && grep -q -- '--torch DIR' "$root/tmp/refused.out" || die "the starter gave no remedy"

do_as train "/opt/$home/peft-studio" --torch /opt/site/torch train /tmp/recipe.yaml
run=$(basename "$(echo "$root"/tmp/runs/bare-*)")
[[ -s $root/tmp/runs/$run/completed.json && -s $root/tmp/runs/$run/adapter/adapter_model.safetensors ]] || die "the run left no adapter"
do_as verify "/opt/$home/peft-studio" checkpoint verify "/tmp/runs/$run"
do_as generate /bin/sh -c "OMP_NUM_THREADS=1 PST_TORCH_ROOT=/opt/site/torch exec /opt/$home/peft-studio generate --run /tmp/runs/$run --prompt '2 plus 6?' --max-new-tokens 4"
# A link, as for Slurm, and a link to the starter from elsewhere.
ln -s /opt/site/torch "$root/opt/$home/lib/peft-studio/torch"
ln -s "../opt/$home/peft-studio" "$root/bin/peft-studio"
do_as version peft-studio --version
do_as worker "/opt/$home/bin/peft-studio-worker" --version
echo "trained in a root with $(find "$root" -xdev -path "$root/opt" -prune -o -path "$root/tmp" -prune -o -type f -print | wc -l) files of the system"
