// SPDX-License-Identifier: Apache-2.0
#include "adapters/adapter_folder.hpp"
#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "requests/merge_request.hpp"
#include "rundir/finished_adapter.hpp"
#include "runs/exec_worker.hpp"

namespace pst::cli {
namespace {

struct MergeArguments {
  std::string what, output_dir = "runs";
  requests::MergeRequest request;
};

int merge(const MergeArguments& arguments) {
  requests::MergeRequest request = arguments.request;
  std::error_code unreadable;
  if (fs::exists(fs::path(arguments.what) / adapters::kConfigFile, unreadable)) {
    request.adapter = arguments.what;
  } else {
    const auto run = rundir::RunDir::find(arguments.what, arguments.output_dir);
    rundir::finished_adapter(run);
    request.run = run.root().string();
  }
  std::vector<std::string> argv = {cluster::worker_program().string(), "merge"};
  for (auto& word : requests::words_of(request)) argv.push_back(std::move(word));
  runs::exec_worker(std::move(argv));
}

}  // namespace

Runner add_adapter_merge(CLI::App& app) {
  auto arguments = std::make_shared<MergeArguments>();
  app.add_option("RUN|ADAPTER", arguments->what, "A completed run by folder, name or id, or a PEFT adapter's folder")
      ->required();
  app.add_option("DIR", arguments->request.to, "Folder to create for the merged model")->required();
  requests::add_merge_choices(app, arguments->request);
  add_output_dir_option(app, arguments->output_dir);
  return [arguments] { return merge(*arguments); };
}

}  // namespace pst::cli
