// SPDX-License-Identifier: Apache-2.0
#include "requests/probe_request.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "core/strings.hpp"
#include "requests/command_line.hpp"
#include "requests/words.hpp"

namespace pst::requests {

void add_options(CLI::App& app, ProbeRequest& request) {
  app.add_option("--threads", request.threads, "Threads of each rank; by default the cores divided by the ranks")
      ->check(CLI::Range(1, 4096));
  app.add_option("--output", request.output, "File to write; by default this machine's own in the cache folder");
  app.add_option("--folder", request.folder, "Folder on the disk to measure, such as the one of your runs")
      ->capture_default_str();
  add_time_limit(app, request.time_limit_s);
}

std::vector<std::string> words_of(const ProbeRequest& request) {
  std::vector<std::string> words;
  if (request.threads) add(words, "--threads", cat(*request.threads));
  if (!request.output.empty()) add(words, "--output", request.output);
  add(words, "--folder", request.folder);
  add(words, "--time-limit", number(request.time_limit_s));
  return words;
}

}  // namespace pst::requests
