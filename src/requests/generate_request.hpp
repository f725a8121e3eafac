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

/// `generate`: one prompt, one answer on standard output.
struct GenerateRequest {
  std::optional<std::string> run;      ///< run directory: its model and adapter
  std::optional<std::string> model;    ///< or a model folder,
  std::optional<std::string> adapter;  ///< with an adapter folder or without
  std::string prompt;
  std::optional<std::string> system;
  bool raw = false;  ///< continue the prompt as it stands, without the chat template
  std::int64_t max_new_tokens = 256;
  double temperature = 0;  ///< 0: the most likely token
  double top_p = 1;        ///< sample among the fewest tokens that hold this much probability
  std::uint64_t seed = 42;
  std::string device = "auto";  ///< auto, cpu or cuda
  double time_limit_s = 1800;   ///< 0: none
};

/// What these variables of the environment hold is taken where the options are not given: a list of processes shows a
/// command line to everybody on the machine, and the environment to its owner.
inline constexpr const char* kPromptVariable = "PST_PROMPT";
inline constexpr const char* kSystemVariable = "PST_SYSTEM";

void add_options(CLI::App& app, GenerateRequest& request);

/// What no single option can say. @throws Error(usage) unless there is a run or a model
void check(const GenerateRequest& request);

/// The request as a command line that reads back as the same request; prompt and system message may be left out, for
/// the variables above.
enum class Texts { as_words, left_out };
std::vector<std::string> words_of(const GenerateRequest& request, Texts texts = Texts::as_words);

}  // namespace pst::requests
