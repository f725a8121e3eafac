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

/// `infer`: many prompts from a file, their answers into another.
struct InferRequest {
  std::optional<std::string> run;      ///< run directory: its model and adapter
  std::optional<std::string> model;    ///< or a model folder,
  std::optional<std::string> adapter;  ///< with an adapter folder or without
  std::string input, output;
  std::int64_t max_new_tokens = 256;  ///< of rows that say nothing; so are the next three
  double temperature = 0;
  double top_p = 1;
  std::uint64_t seed = 42;     ///< rows without a seed draw by this and their own id
  std::int64_t together = 16;  ///< answers that are computed at a time
  bool retry_errors = false;   ///< try rows again that ended in an error
  std::string device = "auto";
};

void add_options(CLI::App& app, InferRequest& request);
/// What no single option can say. @throws Error(usage)
void check(const InferRequest& request);
/// The request as a command line that reads back as the same request.
std::vector<std::string> words_of(const InferRequest& request);

}  // namespace pst::requests
