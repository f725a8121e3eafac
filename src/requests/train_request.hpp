// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pst::requests {

/// `peft-studio-worker train`: one rank of one attempt at a run. Launchers write it, people do not.
struct TrainRequest {
  std::string run;  ///< run directory
  int attempt = 1;
  int cores_per_rank = 0;  ///< that the rank is bound to, none of them shared; 0: unbound
};

void add_options(CLI::App& app, TrainRequest& request);
/// The request as a command line that reads back as the same request.
std::vector<std::string> words_of(const TrainRequest& request);

}  // namespace pst::requests
