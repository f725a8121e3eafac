// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "adapters/arithmetic.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

/// ADAPTER or ADAPTER=WEIGHT.
adapters::Weighted weighted(const std::string& text) {
  const auto sign = text.rfind('=');
  if (sign == text.npos) return {text, 1};
  const auto weight = to_double(text.substr(sign + 1));
  if (!weight || sign == 0)
    throw Error(Fault::usage, cat(quoted(text), " is no adapter with a weight"),
                "write FOLDER=0.5, or FOLDER alone for 1");
  return {text.substr(0, sign), *weight};
}

}  // namespace

Runner add_adapter_combine(CLI::App& app) {
  struct Arguments {
    std::vector<std::string> adapters;
    std::string to, how = "cat";
    std::optional<std::int64_t> rank;
  };
  auto arguments = std::make_shared<Arguments>();
  app.add_option("ADAPTER=WEIGHT", arguments->adapters,
                 "Two or more PEFT folders of plain LoRA for one model, each with a factor of its update")
      ->required();
  app.add_option("--to", arguments->to, "Folder to create for the combined adapter")->required();
  std::vector<std::string> words;
  for (const auto& [word, how] : adapters::words_of(adapters::Combination{})) words.emplace_back(word);
  app.add_option("--how", arguments->how,
                 "cat: exact, ranks add up; svd: the same cut to a rank; linear: sums of A and of B, PEFT's default")
      ->check(CLI::IsMember(words))
      ->capture_default_str();
  app.add_option("--rank", arguments->rank, "With svd: the rank of the result; the largest of the adapters' without it")
      ->check(CLI::Range(1, 1 << 16));
  return [arguments] {
    std::vector<adapters::Weighted> all;
    for (const auto& text : arguments->adapters) all.push_back(weighted(text));
    for (const auto& [word, how] : adapters::words_of(adapters::Combination{}))
      if (arguments->how == word) adapters::combine(all, how, arguments->rank, arguments->to);
    std::cout << "combined adapter in " << arguments->to << '\n';
    return 0;
  };
}

}  // namespace pst::cli
