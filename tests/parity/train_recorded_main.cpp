// SPDX-License-Identifier: Apache-2.0
// Trains a new adapter on each recorded model and keeps it, for tools/parity/adapter_check.py.
//   train-recorded FOLDER: a line for each model, its name and the loss with the adapter in FOLDER/<name>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>

#include "support/adapters.hpp"
#include "support/parity_case.hpp"

int main(int argc, char** argv) {
  namespace fixture = pst::fixture;
  if (argc != 2) {
    std::cerr << "usage: train-recorded FOLDER\n";
    return 64;
  }
  constexpr int kSteps = 2;
  const auto adapter = fixture::lora({.r = 3, .alpha = 5}, {pst::methods::Targets::Kind::all_linear, {}, {}});
  try {
    for (const auto& name : fixture::ParityCase::all()) {
      if (name.find('/') != name.npos) continue;
      fixture::ParityCase of(name);
      const double loss = of.trained_anew(adapter, kSteps, std::filesystem::path(argv[1]) / name);
      std::printf("%s %.9g\n", name.c_str(), loss);
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
