// SPDX-License-Identifier: Apache-2.0
#include "requests/train_request.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "core/strings.hpp"
#include "requests/words.hpp"

namespace pst::requests {

void add_options(CLI::App& app, TrainRequest& request) {
  app.add_option("--run", request.run, "Run directory")->required();
  app.add_option("--attempt", request.attempt, "Number of the attempt, from 1")->required();
  app.add_option("--cores-per-rank", request.cores_per_rank, "Bind the rank to so many cores of its own; 0: unbound")
      ->capture_default_str();
}

std::vector<std::string> words_of(const TrainRequest& request) {
  std::vector<std::string> words;
  add(words, "--run", request.run);
  add(words, "--attempt", cat(request.attempt));
  if (request.cores_per_rank > 0) add(words, "--cores-per-rank", cat(request.cores_per_rank));
  return words;
}

}  // namespace pst::requests
