// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"
#include "doctor/machine_facts.hpp"
#include "runs/doctor_slurm.hpp"
#include "version/version.hpp"

namespace pst::cli {
namespace {

using doctor::Finding;
using doctor::Health;
using nlohmann::ordered_json;

struct DoctorArguments {
  std::vector<std::string> folders;
  bool json = false, here = false;
};

std::vector<fs::path> folders_of(const DoctorArguments& arguments) {
  std::vector<fs::path> folders(arguments.folders.begin(), arguments.folders.end());
  if (!folders.empty()) return folders;
  const char* const scratch = std::getenv("TMPDIR");
  return {fs::current_path(), scratch && *scratch ? scratch : "/tmp"};
}

ordered_json json_of(const std::vector<Finding>& findings) {
  ordered_json list = ordered_json::array();
  for (const Finding& finding : findings)
    list.push_back({{"health", doctor::name_of(finding.health)},
                    {"subject", finding.subject},
                    {"text", finding.text},
                    {"remedy", finding.remedy}});
  return list;
}

void add(std::vector<Finding>& to, std::vector<Finding>&& from) {
  for (Finding& finding : from) to.push_back(std::move(finding));
}

/// What is not well on a node of the job; one line when all is.
void print_node(const doctor::Machine& machine, const std::vector<Finding>& findings) {
  std::vector<Finding> problems;
  for (const Finding& finding : findings)
    if (finding.health != Health::ok) problems.push_back(finding);
  if (problems.empty())
    std::cout << machine.host << ": all well\n";
  else
    std::cout << machine.host << ":\n" << doctor::to_text(problems);
}

int doctor_command(const DoctorArguments& arguments) {
  const auto folders = folders_of(arguments);
  const bool in_job = std::getenv("SLURM_JOB_ID") != nullptr;
  const doctor::Machine here = doctor::look_at(version(), folders);
  std::vector<Finding> mine = doctor::check(here), software, across;
  std::vector<doctor::Machine> nodes;
  if (!arguments.here) {
    software = runs::check_worker();
    add(software, runs::check_slurm());
    if (in_job) {
      std::vector<std::string> unheard;
      nodes = runs::look_at_job_nodes(arguments.folders, unheard);
      if (!unheard.empty())
        across.push_back({Health::fail, "nodes", "no answer from " + join(unheard, ", "),
                          "leave them out with slurm.exclude and tell the site"});
      add(across, doctor::check_together(nodes));
    }
  }

  Health worst = std::max({doctor::worst(mine), doctor::worst(software), doctor::worst(across)});
  for (const auto& node : nodes) worst = std::max(worst, doctor::worst(doctor::check(node)));
  if (arguments.json) {
    ordered_json all = {{"machine", here}, {"findings", json_of(mine)}};
    if (!arguments.here) all["software"] = json_of(software);
    if (in_job && !arguments.here) {
      all["across"] = json_of(across);
      for (const auto& node : nodes)
        all["nodes"].push_back({{"machine", node}, {"findings", json_of(doctor::check(node))}});
    }
    std::cout << printable_json(all.dump(-1, ' ', false, ordered_json::error_handler_t::replace)) << "\n";
  } else {
    std::cout << here.host << " (" << here.kernel << "), peft-studio " << here.version << "\n" << doctor::to_text(mine);
    if (!software.empty()) std::cout << "software\n" << doctor::to_text(software);
    if (!across.empty())
      std::cout << "all " << nodes.size() << " nodes of job " << std::getenv("SLURM_JOB_ID") << "\n"
                << doctor::to_text(across);
    for (const auto& node : nodes) print_node(node, doctor::check(node));
  }
  return worst == Health::fail ? exit_status(Fault::unfit) : 0;
}

}  // namespace

Runner add_doctor(CLI::App& app) {
  auto arguments = std::make_shared<DoctorArguments>();
  app.add_option(
      "--folder", arguments->folders,
      "Folder whose disk is tested with a file of 16 MiB (may be repeated); by default this one and $TMPDIR");
  app.add_flag("--here", arguments->here, "Check this machine only: neither Slurm nor other nodes");
  app.add_flag("--json", arguments->json, "Print JSON, for programs");
  return [arguments] { return doctor_command(*arguments); };
}

}  // namespace pst::cli
