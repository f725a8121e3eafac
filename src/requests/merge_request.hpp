// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pst::requests {

/// `adapter merge`: a model's folder with an adapter in its weights.
struct MergeRequest {
  std::optional<std::string> run;      ///< run directory: its model and adapter
  std::optional<std::string> adapter;  ///< or an adapter's folder,
  std::optional<std::string> model;    ///< and the model's; nothing: the one that the adapter names
  std::string to;                      ///< folder to create
  /// Of a run whose base was quantised: `trained`, the numbers that its codes stand for, or `original`, those of the
  /// model's files.
  std::string onto = "trained";
  std::int64_t check_tokens = 16;  ///< of the comparison of logits; 0: none
  double time_limit_s = 0;         ///< 0: none
};

void add_options(CLI::App& app, MergeRequest& request);
/// The options that users give as well.
void add_merge_choices(CLI::App& app, MergeRequest& request);

/// The request as a command line that reads back as the same request.
std::vector<std::string> words_of(const MergeRequest& request);

}  // namespace pst::requests
