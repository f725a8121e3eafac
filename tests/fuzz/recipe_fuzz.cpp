// SPDX-License-Identifier: Apache-2.0
// Recipes, sweeps included. A recipe that is taken is printed and read back to the same.
#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "recipe/load.hpp"

namespace pst::fuzz {
namespace {

std::string sweep(Draw& draw) {
  static const std::vector<std::string> kKeys = {"optimizer.lr", "adapter.r",   "train.seed", "adapter.alpha",
                                                 "name",         "train.steps", "no.such.key"};
  std::string text = cat("model: {path: m}\ndata: {train: [{path: a.jsonl}]}\nsweep:\n  mode: ",
                         draw.of(std::vector<std::string>{"grid", "list", "random"}), "\n");
  if (draw.one_in(2)) text += cat("  count: ", draw.size(5000), "\n");
  text += "  parameters:\n";
  for (std::size_t i = 0, n = 1 + draw.below(5); i < n; ++i) {
    text += cat("    ", draw.of(kKeys), ": [");
    for (std::size_t v = 0, values = draw.size(2000); v < values; ++v) text += cat(v ? ", " : "", v);
    text += "]\n";
  }
  return text;
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  return fuzz::run(argc, argv,
                   {.name = "recipe",
                    .parts = {{.name = "recipe",
                               .seeds = fuzz::files_below("configs/recipes"),
                               .words = {"[", "{", "- ", ": ", "null", "auto", "true", "\"\\n\"", "'$(id)'", "../..",
                                         "/etc/passwd", "lora", "ia3", "adamw", "cosine", "nf4", "grid", "  r: 8\n",
                                         "sweep:\n  parameters: {a: [1]}\n"},
                               .bombs = {fuzz::sweep}}},
                    .read = [](const fuzz::Part&, const std::string& input) {
                      if (input.find("sweep:") != input.npos) {
                        (void)recipe::parse_sweep(input, "recipe.yaml", {}, "/nowhere");
                        return;
                      }
                      const std::string text = recipe::to_yaml(recipe::parse(input, "recipe.yaml", {}, "/nowhere"));
                      if (recipe::to_yaml(recipe::parse(text, "again.yaml", {}, "/nowhere")) != text)
                        throw Error(Fault::bug, "printed and read again, the recipe is another");
                    }});
}
