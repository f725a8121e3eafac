// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

struct GenerateArguments {
  std::string run, output_dir = "runs", model, adapter, prompt, system;
  std::optional<int> max_new_tokens;
  std::optional<double> temperature, top_p;
  std::optional<std::uint64_t> seed;
  bool raw = false;
};

/// The model and, of a run, the adapter that it made.
std::vector<std::string> what_to_talk_to(const GenerateArguments& arguments) {
  if (arguments.run.empty() && arguments.model.empty())
    throw Error(Fault::usage, "neither --run nor --model says what shall answer",
                "peft-studio generate --run RUN --prompt TEXT");
  if (!arguments.model.empty()) {
    std::vector<std::string> words = {"--model", arguments.model};
    if (!arguments.adapter.empty()) words.insert(words.end(), {"--adapter", arguments.adapter});
    return words;
  }
  const auto run = rundir::RunDir::find(arguments.run, arguments.output_dir);
  if (!run.read_completed())
    throw Error(Fault::data, cat("run ", run.root().string(), " has no finished adapter: there is no completed.json"),
                cat("peft-studio status ", run.root().string()));
  return {"--run", run.root().string()};  // its recipe says how the model's weights are kept
}

int generate(const GenerateArguments& arguments) {
  const std::string worker = cluster::worker_program().string();
  std::vector<std::string> words = {worker, "generate"};
  for (auto& word : what_to_talk_to(arguments)) words.push_back(word);
  words.insert(words.end(), {"--prompt", arguments.prompt});
  if (!arguments.system.empty()) words.insert(words.end(), {"--system", arguments.system});
  if (arguments.max_new_tokens) words.insert(words.end(), {"--max-new-tokens", cat(*arguments.max_new_tokens)});
  if (arguments.temperature) words.insert(words.end(), {"--temperature", number(*arguments.temperature)});
  if (arguments.top_p) words.insert(words.end(), {"--top-p", number(*arguments.top_p)});
  if (arguments.seed) words.insert(words.end(), {"--seed", cat(*arguments.seed)});
  if (arguments.raw) words.push_back("--raw");

  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(worker.c_str(), argv.data());  // the worker takes our place: its output and exit status are ours
  throw Error(Fault::unfit, cat("cannot start ", worker, ": ", std::strerror(errno)),
              "it belongs beside peft-studio, executable: install again, or see `ls -l`");
}

}  // namespace

Runner add_generate(CLI::App& app) {
  auto arguments = std::make_shared<GenerateArguments>();
  auto* run = app.add_option("--run", arguments->run, "A completed run: its model with its adapter");
  auto* model = app.add_option("--model", arguments->model, "Or any model's folder")->excludes(run);
  app.add_option("--output-dir", arguments->output_dir, "Where --run looks for names")->capture_default_str();
  app.add_option("--adapter", arguments->adapter, "A PEFT adapter's folder, with --model")->needs(model);
  app.add_option("--prompt", arguments->prompt, "What the user says")->required();
  app.add_option("--system", arguments->system, "What stands before it");
  app.add_option("--max-new-tokens", arguments->max_new_tokens, "Length of the answer")->check(CLI::Range(1, 1 << 20));
  app.add_option("--temperature", arguments->temperature, "0: the likeliest token each time")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--top-p", arguments->top_p, "Sample from the likeliest tokens of this share")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", arguments->seed, "Of the sampling");
  app.add_flag("--raw", arguments->raw, "The prompt as it is, without the chat template");
  return [arguments] { return generate(*arguments); };
}

}  // namespace pst::cli
