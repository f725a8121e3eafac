// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "report/profile.hpp"

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

std::vector<std::string> profile_overrides(const std::string& asked) {
  std::map<std::string, std::string> values;
  std::string key;
  for (const auto& piece : split(asked, ',')) {  // "steps=20:25", "ranks=0", "3"
    const auto equals = piece.find('=');
    if (equals != std::string::npos) {
      key = piece.substr(0, equals);
      values[key] = piece.substr(equals + 1);
    } else {
      values[key] += "," + piece;
    }
  }
  const auto refuse = [&] {
    return Error(Fault::usage, cat("--profile ", quoted(asked), " is not understood"),
                 "write steps=20:25 (both ends included), and where not all ranks are to do it: steps=20:25,ranks=0,3");
  };
  std::vector<std::string> overrides;
  for (const auto& [name, value] : values) {
    if (name == "ranks") {
      overrides.push_back(cat("profile.ranks=[", value, "]"));
    } else if (name == "steps") {
      const auto ends = split(value, ':');
      if (ends.empty() || ends.size() > 2) throw refuse();
      for (const auto& end : ends)
        if (!to_int(end)) throw refuse();
      overrides.push_back(cat("profile.first_step=", ends.front()));
      overrides.push_back(cat("profile.last_step=", ends.back()));
    } else {
      throw refuse();
    }
  }
  return overrides;
}

}  // namespace

void add_profile_option(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option_function<std::vector<std::string>>(
         "--profile",
         [&overrides](const std::vector<std::string>& asked) {
           for (const auto& one : asked)
             for (auto& override : profile_overrides(one)) overrides.push_back(std::move(override));
         },
         "Trace these steps: steps=20:25, on chosen ranks: steps=20:25,ranks=0,3; `peft-studio profile` shows them")
      ->type_name("steps=FIRST:LAST[,ranks=R,...]")
      ->allow_extra_args(false);
}

Command add_profile(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "profile", "Put together what ranks traced of a run's steps: one trace, hot spots, the bottleneck in words");
  auto arguments = std::make_shared<ProfileArguments>();
  add_run_arguments(*app, arguments->run);
  app->add_option("--attempt", arguments->attempt, "Of that attempt; the newest that traced steps when left out")
      ->check(CLI::PositiveNumber);
  app->add_option("-o,--output", arguments->folder, "Folder for the files; `profile` in the run's when left out");
  return {app, [arguments] { return profile(*arguments); }};
}

}  // namespace pst::cli
