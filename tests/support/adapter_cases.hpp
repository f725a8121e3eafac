// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "config/parse_yaml.hpp"
#include "config/reader.hpp"
#include "core/file.hpp"
#include "methods/adapter.hpp"
#include "source_tree.hpp"
#include "support/tiny_model.hpp"

namespace pst::fixture {

/// An adapter section of a recipe, as a file of tests/fixtures/adapters has it: every method with the keys that change
/// what it computes.
struct AdapterCase {
  std::string name;
  methods::Adapter adapter;

  static std::vector<AdapterCase> all() {
    std::vector<AdapterCase> cases;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(PST_SOURCE_DIR) / "tests/fixtures/adapters")) {
      if (entry.path().extension() != ".yaml") continue;
      AdapterCase& made = cases.emplace_back(AdapterCase{entry.path().stem().string(), {}});
      config::Problems problems;
      config::read(config::parse_yaml(read_file(entry.path()), entry.path().string(), problems), made.adapter,
                   problems);
      problems.throw_if_any();
    }
    std::sort(cases.begin(), cases.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return cases;
  }

  /// `like`, or where the adapter is of experts a mixture of them in its sizes.
  TinyModel model(TinyModel like) const {
    if (adapter.targeting.target_parameters.empty()) return like;
    like.model_type = "qwen3_moe";
    like.mlp_bias = false;
    like.config = R"({"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "norm_topk_prob": true,
                      "head_dim": null, "mlp_bias": null})";
    return like;
  }
};
inline void PrintTo(const AdapterCase& of, std::ostream* out) { *out << of.name; }

}  // namespace pst::fixture
