// SPDX-License-Identifier: Apache-2.0
#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "requests/infer_request.hpp"
#include "rundir/finished_adapter.hpp"
#include "runs/exec_worker.hpp"

namespace pst::cli {
namespace {

struct InferArguments {
  requests::InferRequest request;
  std::string output_dir = "runs";
};

int infer(const InferArguments& arguments) {
  requests::InferRequest request = arguments.request;
  requests::check(request);
  if (request.run) {  // the worker knows folders only, and its recipe says how the model's weights are kept
    const auto run = rundir::RunDir::find(*request.run, arguments.output_dir);
    rundir::finished_adapter(run);
    request.run = run.root().string();
  }
  std::vector<std::string> argv = {cluster::worker_program().string(), "infer"};
  for (auto& word : requests::words_of(request)) argv.push_back(std::move(word));
  runs::exec_worker(std::move(argv));
}

}  // namespace

Runner add_infer(CLI::App& app) {
  auto arguments = std::make_shared<InferArguments>();
  requests::add_options(app, arguments->request);
  app.add_option("--output-dir", arguments->output_dir, "Folder in which --run looks for a run's name or id")
      ->capture_default_str();
  return [arguments] { return infer(*arguments); };
}

}  // namespace pst::cli
