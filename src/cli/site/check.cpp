// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "cluster/capture.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/job_script_for.hpp"
#include "runs/slurm_facts_here.hpp"

namespace pst::cli {
namespace {

/// The only part of a profile that is a program: bash reads it, and runs none of it.
void check_setup(const site::Site& site) {
  for (const auto& line : site.setup) {
    const auto answer = cluster::capture({.argv = {"bash", "-n", "-c", line}, .remedy_when_missing = "install bash"});
    if (answer.status != 0)
      throw Error(Fault::usage, cat("bash does not understand the setup line ", quoted(line), ": ", answer.words()),
                  "each line has to be complete by itself");
  }
}

int check(const std::string& name) {
  const auto chosen = site::choose(name, site::this_host(), runs::site_folders());
  check_setup(chosen.site);
  std::cout << chosen.site.name << " (" << (chosen.file.empty() ? "built in" : chosen.file.string())
            << "): no mistakes\n";
  if (chosen.site.scheduler == site::Scheduler::none) return 0;
  site::SlurmFacts facts;
  try {
    facts = runs::slurm_facts_here();
  } catch (const Error& error) {
    const std::string words = error.message();
    std::cout << "not compared with Slurm: " << words.substr(0, words.find('\n')) << '\n';
    return 0;
  }
  const auto found = site::differences(chosen.site, facts);
  for (const auto& difference : found) std::cout << "differs from Slurm here: " << difference << '\n';
  if (found.empty()) {
    std::cout << "agrees with Slurm here\n";
    return 0;
  }
  throw Error(Fault::usage,
              cat(found.size(), found.size() == 1 ? " difference" : " differences", " from what Slurm says here"),
              "correct the profile, or name the one of this site");
}

}  // namespace

Runner add_site_check(CLI::App& app) {
  auto name = std::make_shared<std::string>("auto");
  app.add_option("SITE", *name, "Name or file of a site profile; auto: the one that fits this host")
      ->capture_default_str();
  return [name] { return check(*name); };
}

}  // namespace pst::cli
