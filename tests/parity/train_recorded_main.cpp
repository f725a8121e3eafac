// SPDX-License-Identifier: Apache-2.0
// Trains a new adapter on each recorded model and keeps it, for tools/parity/adapter_check.py.
//   train-recorded FOLDER: a line for each model, its name and the loss with the adapter in FOLDER/<name>; and one for
//   each mixture of experts, whose adapter of all experts is in FOLDER/<name>+experts
//   train-recorded FOLDER MODEL: on that model alone, a line for each adapter section of tests/fixtures/adapters
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>

#include "core/error.hpp"
#include "support/adapter_cases.hpp"
#include "support/adapters.hpp"
#include "support/parity_case.hpp"

namespace {

constexpr int kSteps = 2;

/// Sections that do not fit the model, or whose method has no file to start from, are told and left out.
void train_methods(const std::string& model, const std::filesystem::path& folder) {
  for (const auto& [name, adapter] : pst::fixture::AdapterCase::all()) {
    try {
      pst::fixture::ParityCase of(model);
      std::printf("%s %.9g\n", name.c_str(), of.trained_anew(adapter, kSteps, folder / name));
    } catch (const pst::Error& error) {
      std::cerr << name << ": " << error.what() << '\n';
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  namespace fixture = pst::fixture;
  if (argc != 2 && argc != 3) {
    std::cerr << "usage: train-recorded FOLDER [MODEL]\n";
    return 64;
  }
  const auto adapter = fixture::lora({.r = 3, .alpha = 5}, {pst::methods::Targets::Kind::all_linear, {}, {}});
  auto of_experts = fixture::lora({.r = 3, .alpha = 5}, fixture::named({}));
  of_experts.targeting.target_parameters = {"experts.gate_up_proj", "experts.down_proj"};
  try {
    if (argc == 3) {
      train_methods(argv[2], argv[1]);
      return 0;
    }
    for (const auto& name : fixture::ParityCase::all()) {
      if (name.find('/') != name.npos) continue;
      const auto train = [&](const pst::methods::Adapter& recipe, const std::string& folder) {
        fixture::ParityCase of(name);
        const double loss = of.trained_anew(recipe, kSteps, std::filesystem::path(argv[1]) / folder);
        std::printf("%s %.9g\n", folder.c_str(), loss);
      };
      train(adapter, name);
      if (fixture::ParityCase(name).has_experts()) train(of_experts, name + "+experts");
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
