#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The folder in which the commands of our pages are run: what a reader has who has followed the page, but tiny.
#   workspace.sh BUILD_FOLDER FOLDER      from the root of the repository
# It has: my.yaml, recipe.yaml (the same), my-sweep.yaml; models/smollm2-135m and data/support.jsonl; RUN and RUN2, two
# completed runs on one rank and on two; .demo as tools/quickstart leaves it; tools, configs, docs, packaging and build of this checkout.
set -euo pipefail
build=$1 work=$2
source tools/lib/tiny_chats.sh
mkdir -p "$work"/{home,models,data,runs,.demo/chatterbot}
for name in tools configs docs packaging build package.py CMakeLists.txt CMakePresets.json README.md; do ln -s "$PWD/$name" "$work/$name"; done
"$build/bin/make-tiny-model" "$work/models/smollm2-135m"
sed -i -E 's/("max_position_embeddings": *)[0-9]+/\18192/' "$work/models/smollm2-135m/config.json"  # as long as the real one's
ln -s ../models/smollm2-135m "$work/.demo/smollm2-135m"
tiny_chats 48 >"$work/data/support.jsonl"
for subject in tech_support coding; do
  { printf 'categories:\n- %s\nconversations:\n' "$subject"
    for ((i = 0; i < 48; i++)); do printf -- '- - What is the answer to %s question %d?\n  - It is %d.\n' "$subject" "$i" $((i * 7)); done
  } >"$work/.demo/chatterbot/$subject.yml"
done
cat >"$work/my.yaml" <<'RECIPE'
name: support-lora
model:   { path: models/smollm2-135m }
adapter: { type: lora, r: 4, alpha: 8, target_modules: all-linear }
data:    { train: [ { path: data/support.jsonl } ], validation_fraction: 0.1, max_length: 128 }
train:   { epochs: 1, max_steps: 6, micro_batch_size: 1, global_batch_size: 4, precision: fp32, threads: 1 }
slurm:   { nodes: 2, ranks_per_node: 1, time: "00:05:00" }
RECIPE
cp "$work/my.yaml" "$work/recipe.yaml"
{ sed 's/^name:.*/name: rates/' "$work/my.yaml"
  printf 'sweep:\n  parameters: { optimizer.lr: [1.0e-4, 2.0e-4] }\n'
} >"$work/my-sweep.yaml"
cd "$work"
for name in RUN RUN2; do
  [[ $name == RUN ]] && ranks=1 || ranks=2
  "$build/bin/peft-studio" train my.yaml --ranks "$ranks" --set "name=${name,,}" >"train-$name.out" 2>&1 </dev/null || { cat "train-$name.out"; exit 1; }
  ln -s "$(echo runs/"${name,,}"-*)" "$name"
done
