// SPDX-License-Identifier: Apache-2.0
// YAML, with the limits of a recipe and with those of a corpus.
#include "config/parse_yaml.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "source_tree.hpp"

namespace pst::fuzz {
namespace {

std::string deep(Draw& draw) {
  static const std::vector<std::string> kOpen = {"[", "{", "[{a: ", "- ", "? ", "a: {b: ", "[\n", "{a: [", "- - "};
  return cat(draw.one_in(2) ? "a: " : "", repeated(draw.of(kOpen), draw.size(300'000)));
}
std::string wide(Draw& draw) {
  static const std::vector<std::string> kUnits = {"a,", "a: 1\n", "[],",    "- x\n", "'a', ", "\"\\u00e9\", ",
                                                  ": ", "#\n",    "a: >\n "};
  return cat(draw.one_in(2) ? "[" : "", repeated(draw.of(kUnits), draw.size(100'000)));
}
std::string indented(Draw& draw) {
  std::string text;
  for (std::size_t i = 0, n = draw.size(900); i < n; ++i)
    text += cat(std::string(i, ' '), draw.one_in(9) ? "- " : "k:", "\n");
  return text;
}

/// A few lines of aliases, each of them many of the one before.
std::string aliases(Draw& draw) {
  std::string text = "a0: &a0 [x, x]\n";
  const std::size_t each = draw.size(200);
  const char* const form = draw.one_in(3) ? "<<: *a" : "*a";
  for (std::size_t i = 1, n = draw.size(40); i < n; ++i)
    text += cat("a", i, ": &a", i, " [", repeated(cat(form, i - 1, ", "), each), "]\n");
  return text;
}
/// Mistakes times the length of what each names.
std::string duplicates(Draw& draw) {
  const std::string key(draw.size(3000), draw.one_in(2) ? 'k' : '\\');
  const std::string line = draw.one_in(2) ? cat(key, ": 1\n") : cat("- ", key, ": {b: 1, b: 2}\n");
  return repeated(line, 1 + draw.size(1'000'000) / (line.size() + 1));
}
/// Block texts and quoted ones of many lines, each line deeper, with nothing or with escapes in it.
std::string long_texts(Draw& draw) {
  static const std::vector<std::string> kOpen = {"a: |\n", "a: >\n", "a: |9+\n", "a: >1-\n",
                                                 "a: \"",  "a: '",   "\"",       "? |\n"};
  static const std::vector<std::string> kLines = {"\n",    " x\n",        "  \n",  "\\\n", "''",
                                                  "\\x41", "\\U0010FFFF", " \t\n", "#x\n"};
  std::string text = draw.of(kOpen);
  for (std::size_t i = 0, n = 1 + draw.below(3); i < n; ++i)
    text += cat(std::string(draw.size(2000), ' '), repeated(draw.of(kLines), draw.size(200'000)));
  return text;
}
/// A simple key may be anywhere until its colon comes: many that could be one, and the colon late or never.
std::string late_colons(Draw& draw) {
  static const std::vector<std::string> kUnits = {"a ", "\"a\" ", "a, ", "[a] ", "{a} ", "*a ", "- ", "!t ", "&a "};
  const std::string unit = draw.of(kUnits);
  std::string line = repeated(unit, draw.size(20'000));
  if (draw.one_in(2)) line += ": 1";
  return repeated(cat(draw.one_in(2) ? "{" : "", line, "\n"), 1 + draw.size(300));
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  std::vector<std::string> seeds = {
      "conversations:\n- - a question\n  - an answer\n- - 'b: c'\n  - |\n    long\n    text\n",
      "a: {b: [1, 2.5, null], c: \"x\\n\"}\nd: >-\n  folded\n  text\n# end\n"};
  for (const char* file : {"configs/recipes/smollm2/135m_lora_2xcpu.yaml", "configs/sites/lumi-g.yaml"})
    seeds.push_back(read_file(std::filesystem::path(PST_SOURCE_DIR) / file));
  return fuzz::run(argc, argv,
                   {.name = "yaml",
                    .parts = {{.name = "document",
                               .seeds = std::move(seeds),
                               .words = {"- ", ": ", "? ", "&a ", "*a", "!!map ", "|\n", ">\n", "---\n", "...\n",
                                         "%YAML 1.2\n", "[", "{", "\"", "'", "\n  ", "\n", "# "},
                               .bombs = {fuzz::deep, fuzz::wide, fuzz::indented, fuzz::aliases, fuzz::duplicates,
                                         fuzz::long_texts, fuzz::late_colons}}},
                    .read = [](const fuzz::Part&, const std::string& input) {
                      constexpr config::ParseLimits kCorpus = {
                          .max_bytes = std::size_t{64} << 20, .max_nodes = 1'000'000, .max_depth = 8};
                      config::Problems problems, others;
                      try {
                        (void)config::parse_yaml(input, "corpus.yml", problems, kCorpus);
                      } catch (const Error& error) {
                        if (error.fault() != Fault::usage) throw;
                      }
                      (void)to_yaml(config::parse_yaml(input, "recipe.yaml", others));
                      others.throw_if_any();
                    }});
}
