// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>

#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "requests/generate_request.hpp"
#include "rundir/finished_adapter.hpp"
#include "runs/exec_worker.hpp"

namespace pst::cli {
namespace {

struct GenerateArguments {
  requests::GenerateRequest request;
  std::string output_dir = "runs", prompt_file;
};

/// @param file  "-": standard input
std::string text_in(const std::string& file) {
  constexpr std::uint64_t kMost = 64u << 10;  // of one variable of an environment there are 128 KiB
  if (file != "-") return read_file(file, kMost);
  std::string text(kMost + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  if (text.size() > kMost)
    throw Error(Fault::data, "the prompt on standard input is longer than 64 KiB", "give a shorter one");
  return text;
}

/// By way of the environment: a worker's command line would show what is said for as long as it answers.
void hand_over_texts(const requests::GenerateRequest& request) {
  ::setenv(requests::kPromptVariable, request.prompt.c_str(), 1);
  if (request.system) ::setenv(requests::kSystemVariable, request.system->c_str(), 1);
}

int generate(const GenerateArguments& arguments) {
  requests::GenerateRequest request = arguments.request;
  if (!arguments.prompt_file.empty()) request.prompt = text_in(arguments.prompt_file);
  if (request.prompt.empty())
    throw Error(Fault::usage, "there is no prompt", "--prompt TEXT, or --prompt-file FILE, or --prompt-file - <FILE");
  requests::check(request);
  if (request.run) {  // the worker knows folders only, and its recipe says how the model's weights are kept
    const auto run = rundir::RunDir::find(*request.run, arguments.output_dir);
    rundir::finished_adapter(run);
    request.run = run.root().string();
  }
  hand_over_texts(request);
  std::vector<std::string> argv = {cluster::worker_program().string(), "generate"};
  for (auto& word : requests::words_of(request, requests::Texts::left_out)) argv.push_back(std::move(word));
  runs::exec_worker(std::move(argv));
}

}  // namespace

Runner add_generate(CLI::App& app) {
  auto arguments = std::make_shared<GenerateArguments>();
  requests::add_options(app, arguments->request);
  auto* const prompt = app.get_option("--prompt")->required(false);
  app.add_option(
         "--prompt-file", arguments->prompt_file,
         "In place of --prompt: a file with it, or - for standard input. Others on this machine see a command's "
         "options while it starts")
      ->excludes(prompt);
  app.add_option("--output-dir", arguments->output_dir, "Folder in which --run looks for a run's name or id")
      ->capture_default_str();
  return [arguments] { return generate(*arguments); };
}

}  // namespace pst::cli
