// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pst::requests {

/// `probe`: measure this machine for `peft-studio plan`.
struct ProbeRequest {
  std::optional<int> threads;  ///< of each rank; absent: the cores it may use, shared out
  std::string output;          ///< empty: the machine's file in the cache folder
  std::string folder = ".";    ///< on the disk that is to be measured
  double time_limit_s = 1800;  ///< 0: none
};

void add_options(CLI::App& app, ProbeRequest& request);
/// The request as a command line that reads back as the same request.
std::vector<std::string> words_of(const ProbeRequest& request);

}  // namespace pst::requests
