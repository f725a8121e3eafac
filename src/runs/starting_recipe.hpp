// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pst::runs {

/// What a model is to learn; decides the settings that `init` proposes.
struct Purpose {
  const char *word, *title;  ///< "chat", "Conversations in a style or about a subject"
  int r;
  double alpha, dropout, lr, epochs;
  int max_length;
  const char *train_on, *too_long;
  const char *why_r, *why_length, *why_learned;  ///< comments of the recipe
};
const std::vector<Purpose>& purposes();
const Purpose& purpose_named(const std::string& word);  ///< @throws Error(usage) naming them all

struct Start {
  std::string name, model, data;
  std::string file;  ///< that it will be written to
  const Purpose* purpose = nullptr;
  std::optional<std::int64_t> longest;  ///< positions of the model, when its folder is there
  bool slurm = false;
  int nodes = 1, ranks_per_node = 1;
};

/// A commented recipe.
std::string starting_recipe(const Start& start);

}  // namespace pst::runs
