// SPDX-License-Identifier: Apache-2.0
#include "runs/starting_recipe.hpp"

#include <algorithm>

#include "config/node.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::runs {
namespace {

std::string yaml(const std::string& text) { return config::to_flow(config::Node::string(text)); }

}  // namespace

// Starting points, not laws. Rank and rate follow what is common on all linear layers (Hu et al. 2021,
// section 7.2; Dettmers et al. 2023, appendix B): rank matters little for style and more for new knowledge; 1e-4 to
// 2e-4.
const std::vector<Purpose>& purposes() {
  static const std::vector<Purpose> kPurposes = {
      {"chat", "conversations: a tone, a role, a subject", 16, 32, 0.05, 2e-4, 3, 1024, "assistant", "truncate",
       "style and subject need little rank", "several turns; longer ones lose their end, which is counted and told",
       "every answer of the assistant, not the questions"},
      {"code", "writing and explaining code", 32, 64, 0, 1e-4, 2, 2048, "assistant", "skip",
       "syntax and libraries are more than style", "files are long",
       "a file cut in the middle teaches to stop there, so it is left out"},
      {"summary", "long text in, short text out", 16, 32, 0.05, 1e-4, 2, 2048, "completion", "skip",
       "the model knows how to summarise; it learns your way", "the whole source has to fit",
       "only the summary; an example cut at max_length would have none, so it is left out"},
      {"qa", "short questions, short answers", 16, 32, 0.05, 2e-4, 3, 512, "completion", "truncate",
       "style and subject need little rank", "questions and answers are short; packing fills the rows",
       "only the answer"},
      {"writing", "stories, letters: a voice of one's own", 32, 64, 0.1, 1e-4, 3, 2048, "assistant", "truncate",
       "a voice is more than a format", "long texts keep their thread",
       "what the author writes; dropout keeps the texts from being learned by heart"},
      {"domain", "the language of a field, from plain text", 64, 64, 0, 1e-4, 1, 2048, "all", "truncate",
       "new knowledge needs rank", "as much context as memory allows", "every token of the text"},
  };
  return kPurposes;
}

const Purpose& purpose_named(const std::string& word) {
  std::vector<std::string> words;
  for (const Purpose& purpose : purposes()) {
    if (word == purpose.word) return purpose;
    words.emplace_back(purpose.word);
  }
  throw Error(Fault::usage, cat(quoted(word), " is no purpose that init knows"), "one of " + join(words, ", "));
}

std::string starting_recipe(const Start& start) {
  const Purpose& p = *start.purpose;
  const auto length = std::min<std::int64_t>(p.max_length, start.longest.value_or(p.max_length));
  const std::string& file = start.file;
  const int rows_at_once = 4 * std::max(1, start.nodes) * std::max(1, start.ranks_per_node);
  const int batch = (16 + rows_at_once - 1) / rows_at_once * rows_at_once;  // every rank does as many micro batches
  std::string text;
  const auto line = [&](const auto&... parts) { text += cat(parts...) + "\n"; };
  line("# ", p.title, ". Made by `peft-studio init`; every key is explained in docs/recipe.md.");
  line("#   peft-studio validate ", shell_quoted(file), "     checks recipe, model and data");
  line("#   peft-studio plan ", shell_quoted(file), "         says how long it takes and how much memory");
  line(start.slurm ? "#   peft-studio submit " : "#   peft-studio train ", shell_quoted(file),
       start.slurm ? " --follow" : "");
  line("name: ", yaml(start.name), "\n");
  line("model:");
  line("  path: ", yaml(start.model), "     # folder with config.json, tokenizer.json, *.safetensors\n");
  line("adapter:");
  line("  type: ", methods::table().front()->name);
  line("  r: ", p.r, "                  # ", p.why_r);
  line("  alpha: ", number(p.alpha), "              # the update is scaled by alpha / r");
  line("  dropout: ", number(p.dropout));
  line("  target_modules: all-linear\n");
  line("data:");
  line("  train:");
  line("    - path: ", yaml(start.data), "     # chat, prompt/completion, alpaca or text: docs/formats/data.md");
  line("  validation_fraction: 0.05   # held out; the best checkpoint is the one with the lowest loss on it");
  line("  max_length: ", length, "        # ", p.why_length);
  line("  too_long: ", p.too_long);
  line("  packing: true           # short examples share a row: less time, the same result");
  line("  train_on: ", p.train_on, "     # ", p.why_learned, "\n");
  line("train:");
  line("  epochs: ", number(p.epochs));
  line("  micro_batch_size: 4     # rows at once; less when memory is short, the result stays the same");
  line("  global_batch_size: ", batch,
       batch < 10    ? "    "
       : batch < 100 ? "   "
                     : "  ",
       "# rows of a step, whatever the number of ranks\n");
  line("optimizer: { name: adamw, lr: ", number(p.lr), " }");
  line("scheduler: { name: cosine, warmup_ratio: 0.03 }");
  line("evaluate: { every_steps: 50 }");
  if (start.slurm) {
    line("\nslurm:");
    line("  nodes: ", start.nodes);
    line("  ranks_per_node: ", start.ranks_per_node);
    line("  time: 01:00:00          # what runs out of it saves, goes back into the queue and goes on");
  }
  line("\noutput_dir: runs");
  return text;
}

}  // namespace pst::runs
