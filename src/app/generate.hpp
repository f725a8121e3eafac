// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "infer/sampling.hpp"

namespace CLI {
class App;
}

namespace pst::app {

/// `peft-studio-worker generate`: one prompt, one answer on standard output.
struct GenerateRequest {
  std::optional<std::string> run;      ///< run directory: its model and adapter
  std::optional<std::string> model;    ///< or a model folder,
  std::optional<std::string> adapter;  ///< with an adapter folder or without
  std::string prompt;
  std::optional<std::string> system;
  bool raw = false;  ///< continue the prompt as it stands, without the chat template
  infer::Sampling sampling;
};

void add_options(CLI::App& command, GenerateRequest& request);
void generate(const GenerateRequest& request);

}  // namespace pst::app
