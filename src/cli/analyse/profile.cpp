// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "report/profile_traces.hpp"

namespace pst::cli {
namespace {

struct ProfileArguments {
  RunArguments run;
  std::string folder;
  int attempt = 0;
};

int profile(const ProfileArguments& arguments) {
  const rundir::RunDir run = arguments.run.find();
  const int attempt = arguments.attempt > 0 ? arguments.attempt : report::newest_profile(run);
  if (attempt == 0)
    throw Error(Fault::usage, cat("no step of ", run.root().string(), " was traced"),
                "peft-studio train, submit or resume with --profile steps=20:25");
  return doing(cat("putting together the profile of ", run.root().string()), [&] {
    const fs::path folder = arguments.folder.empty() ? run.root() / "profile" : fs::path(arguments.folder);
    make_directories(folder);
    const auto merged = report::merge_profile(run, attempt, folder / "trace.json");
    const std::string text = report::profile_text(merged);
    write_durably(folder / "profile.txt", text);
    write_durably(folder / "profile.json",
                  merged.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    std::cout << text << "\nwritten " << (folder / "trace.json").string()
              << " (open it with https://ui.perfetto.dev or chrome://tracing), profile.txt, profile.json\n";
    return 0;
  });
}

}  // namespace

Runner add_profile(CLI::App& app) {
  auto arguments = std::make_shared<ProfileArguments>();
  add_run_arguments(app, arguments->run);
  app.add_option("--attempt", arguments->attempt,
                 "Attempt to show (each start of the workers is one); by default the newest with traces")
      ->check(CLI::PositiveNumber);
  app.add_option("-o,--output", arguments->folder, "Folder for the files; by default `profile` in the run's folder");
  return [arguments] { return profile(*arguments); };
}

}  // namespace pst::cli
