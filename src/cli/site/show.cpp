// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "core/strings.hpp"
#include "runs/job_script_for.hpp"
#include "site/load_profile.hpp"
#include "site/shape.hpp"

namespace pst::cli {
namespace {

struct ShowArguments {
  std::string name;
  bool as_slurm_conf = false;
  int nodes = 8;
};

int show(const ShowArguments& arguments) {
  const auto chosen = site::choose(arguments.name, site::this_host(), runs::site_folders());
  if (arguments.as_slurm_conf) {
    std::cout << site::slurm_conf_of(chosen.site, arguments.nodes);
    return 0;
  }
  std::cout << "# " << (chosen.file.empty() ? "built in" : chosen.file.string()) << ": " << chosen.reason << '\n'
            << "# " << name_of(chosen.site.tested) << '\n'
            << site::to_yaml(chosen.site);
  return 0;
}

}  // namespace

Runner add_site_show(CLI::App& app) {
  auto arguments = std::make_shared<ShowArguments>();
  app.add_option("SITE", arguments->name, "Name or file of a site profile; auto: the one that fits this host")
      ->required();
  auto* conf =
      app.add_flag("--as-slurm-conf", arguments->as_slurm_conf,
                   "Print lines of a slurm.conf of the same shape instead, for tools/local-cluster up --shape");
  app.add_option("--nodes", arguments->nodes, "With --as-slurm-conf: number of nodes")
      ->check(CLI::Range(1, 4096))
      ->needs(conf)
      ->capture_default_str();
  return [arguments] { return show(*arguments); };
}

}  // namespace pst::cli
