// SPDX-License-Identifier: Apache-2.0
#include "requests/merge_request.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "core/strings.hpp"
#include "requests/command_line.hpp"
#include "requests/words.hpp"

namespace pst::requests {

void add_merge_choices(CLI::App& app, MergeRequest& request) {
  app.add_option("--model", request.model, "Folder of the model; without it the one that adapter_config.json names");
  app.add_option("--onto", request.onto,
                 "Where a run quantised its base: `trained` merges into the numbers that its codes stand for, "
                 "`original` into those of the model's files")
      ->check(CLI::IsMember({"trained", "original"}))
      ->capture_default_str();
  app.add_option("--check-tokens", request.check_tokens,
                 "Tokens on which the merged model's logits are compared; 0 leaves the comparison out")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  add_time_limit(app, request.time_limit_s);
}

void add_options(CLI::App& app, MergeRequest& request) {
  auto* const run = app.add_option("--run", request.run, "The completed run whose model and adapter are merged");
  app.add_option("--adapter", request.adapter, "Instead of --run: a PEFT adapter's folder")->excludes(run);
  app.add_option("--to", request.to, "Folder to create")->required();
  add_merge_choices(app, request);
}

std::vector<std::string> words_of(const MergeRequest& request) {
  std::vector<std::string> words;
  if (request.run) add(words, "--run", *request.run);
  if (request.adapter) add(words, "--adapter", *request.adapter);
  if (request.model) add(words, "--model", *request.model);
  add(words, "--to", request.to);
  add(words, "--onto", request.onto);
  add(words, "--check-tokens", cat(request.check_tokens));
  add(words, "--time-limit", number(request.time_limit_s));
  return words;
}

}  // namespace pst::requests
