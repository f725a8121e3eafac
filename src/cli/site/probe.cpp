// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/slurm_facts_here.hpp"
#include "site/load_profile.hpp"
#include "site/profile_text_checks.hpp"

namespace pst::cli {
namespace {

int probe(const std::string& name) {
  if (!name.empty() && !site::profile_name().text(name))
    throw Error(Fault::usage, cat(quoted(name), " is no name of a profile"), "use " + site::profile_name().wish);
  const auto facts = runs::slurm_facts_here();
  const bool has_name = site::profile_name().text(facts.cluster);
  std::cout << site::draft(facts, !name.empty() ? name : has_name ? facts.cluster : "here");
  return 0;
}

}  // namespace

Runner add_site_probe(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  app.add_option("--name", *name, "Name for the profile; by default the cluster's");
  return [name] { return probe(*name); };
}

}  // namespace pst::cli
