// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <optional>
#include <string>

#include "app/ranks.hpp"

namespace pst::app {

struct ProbeRequest {
  std::optional<int> threads;  ///< of each rank; absent: the cores it may use, shared out
  std::string output;          ///< empty: the machine's file in the cache folder
  std::string folder = ".";    ///< on the disk that is to be measured
};
void add_options(CLI::App& command, ProbeRequest& request);

/// Times the operations that training consists of, through the code that training uses, and writes what `peft-studio
/// plan` reads. All ranks work at the same time, as they will; rank 0 writes. Collective.
/// @throws Error(io)
void probe(const ProbeRequest& request, const Ranks& ranks);

}  // namespace pst::app
