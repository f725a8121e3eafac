#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Methods of PEFT in PEFT Studio next to the same in transformers + PEFT: tokens per second and peak memory.

All methods take turns within a round, ours and theirs one after the other, so that a machine that gets slower slows all;
each figure is the median over the rounds. Batches of 4 rows of 256 tokens, every token a target.
"""

import platform
import statistics
import sys

from compare import method_settings, options, ours, theirs, write_text

MEMORY = 0.5  # at most this share of theirs
# method: at least so many times their tokens per second
WANTED = {"lora": 1.5, "dora": 2.0, "ia3": 1.5, "vera": 1.5, "loha": 1.5, "oft": 1.5, "prefix_tuning": 1.5}
DORA_STEP = 1.15  # at most so many times the step of our LoRA


def middle(results: list[dict], key: str) -> float:
    return statistics.median(result[key] for result in results)


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--methods", nargs="+", choices=method_settings.METHODS, default=list(WANTED))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    text = args.work / "text.jsonl"
    write_text(text, args.data, documents=200, rows_each=6)
    misses = 0
    print(f"{platform.node()}: {args.threads} threads, {args.ranks} ranks of ours, batch {args.batch} x {args.length} tokens, "
          f"median of {args.rounds} rounds of {args.steps} steps")
    for precision in args.precision:
        mine, peer = {m: [] for m in args.methods}, {m: [] for m in args.methods}
        for number in range(args.rounds):
            for method in args.methods:
                mine[method].append(ours(args, text, precision, number, method))
                peer[method].append(theirs(args, text, precision, method))
        print(f"\n{precision:<16}{'PEFT':>10}{'Studio':>10}{'ratio':>8}  wanted   {'PEFT':>9}{'Studio':>9}{'ratio':>8}  wanted\n"
              f"{'':<16}{'tokens/s':>10}{'tokens/s':>10}{'':>19}{'MiB':>7}{'MiB':>9}")
        for method in args.methods:
            speeds = [middle(side[method], "tokens_per_s") for side in (peer, mine)]
            sizes = [middle(side[method], "peak_rss_bytes") / 2**20 for side in (peer, mine)]
            speed, size, least = speeds[1] / speeds[0], sizes[1] / sizes[0], WANTED.get(method)
            slow, large = least is not None and speed < least, size > MEMORY
            misses += slow + large
            print(f"{method:<16}{speeds[0]:>10.1f}{speeds[1]:>10.1f}{speed:>8.2f}  {f'>= {least}' if least else '':<9}"
                  f"{sizes[0]:>9.0f}{sizes[1]:>9.0f}{size:>8.2f}  <= {MEMORY}{'  MISS: speed' if slow else ''}"
                  f"{'  MISS: memory' if large else ''}", flush=True)
        if "lora" in mine and "dora" in mine:
            share = middle(mine["lora"], "tokens_per_s") / middle(mine["dora"], "tokens_per_s")
            misses += share > DORA_STEP
            print(f"our DoRA's step takes {share:.2f} times our LoRA's, wanted <= {DORA_STEP}{'  MISS' if share > DORA_STEP else ''}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
