// SPDX-License-Identifier: Apache-2.0
#include "cluster/job_script.hpp"

#include <algorithm>
#include <optional>

#include "cluster/encode.hpp"
#include "cluster/fill_template.hpp"
#include "cluster/placement.hpp"
#include "config/slurm_words.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "site/limits.hpp"

namespace pst::cluster {
namespace {

using Lines = std::vector<std::string>;

Lines number(const char* what, std::optional<int> value) {
  if (!value) return {};
  if (*value < 1)
    throw Error(Fault::usage, cat(what, " is ", *value, "; it must be at least 1"),
                "set it to 1 or more, or leave it out");
  return {std::to_string(*value)};
}

Lines text(const char* what, const std::optional<std::string>& value) {
  if (!value) return {};
  return {directive_value(what, *value)};
}

Lines flag(bool is_set, const char* option) { return is_set ? Lines{option} : Lines{}; }

Lines gpus(const recipe::Slurm& slurm, const site::Gpus& site) {
  const Lines count = number("slurm.gpus_per_node", slurm.gpus_per_node);
  if (count.empty() || site.request == site::GpuRequest::none) return {};
  if (site.request == site::GpuRequest::gpus_per_node) return {"--gpus-per-node=" + count.front()};
  return {"--gres=" + directive_value("gpus.gres of the site", site.gres + ":" + count.front())};
}

Lines shell_words(const char* what, const std::vector<std::string>& values) {
  Lines lines;
  for (const auto& value : values) lines.push_back(shell_word(what, value));
  return lines;
}

Lines assignments(const std::map<std::string, std::string>& variables) {
  Lines lines;
  for (const auto& [name, value] : variables) {
    if (!config::is_variable_name(name))
      throw Error(Fault::usage, cat("environment of the site: ", quoted(name), " is no name of a variable"),
                  "in the site's environment write NAME: value, letters, digits and _ only");
    lines.push_back(name + "=" + shell_word("environment." + name + " of the site", value));
  }
  return lines;
}

Lines setup_lines(const std::vector<std::string>& lines) {
  for (const auto& line : lines)
    if (find_control(line))
      throw Error(Fault::usage, cat("setup of the site: ", quoted(line), " holds a control character"),
                  "write it as one line of plain text");
  return lines;
}

Lines options(const char* what, const std::vector<std::string>& values) {
  Lines lines;
  for (const auto& value : values) lines.push_back(directive_option(what, value));
  return lines;
}

const char* name_of(site::WarningSignal signal) { return signal == site::WarningSignal::usr1 ? "USR1" : "USR2"; }

TemplateValues values_of(const Job& job) {
  const site::Site& site = job.site;
  const recipe::Slurm slurm = fit_to_site(job.slurm, site);
  const auto warning = warning_seconds(slurm, site.signal, job.checkpoint_s);
  const char* const signal = name_of(site.signal.name);
  return {
      {"site", {directive_value("the name of the site", site.name)}},
      {"job_name", {directive_value("name", job.name)}},
      {"log", {directive_path("the run's folder", job.run_dir, "/slurm-%j.log")}},
      {"nodes", number("slurm.nodes", slurm.nodes + slurm.spares)},
      {"ranks_per_node", number("slurm.ranks_per_node", slurm.ranks_per_node)},
      {"cpus_per_rank", number("slurm.cpus_per_rank", slurm.cpus_per_rank)},
      {"gpus", gpus(slurm, site.gpus)},
      {"mem", text("slurm.mem", slurm.mem)},
      {"time", {directive_value("slurm.time", slurm.time)}},
      {"account", text("slurm.account", slurm.account)},
      {"partition", text("slurm.partition", slurm.partition)},
      {"qos", text("slurm.qos", slurm.qos)},
      {"constraint", text("slurm.constraint", slurm.constraint)},
      {"reservation", text("slurm.reservation", slurm.reservation)},
      {"nodelist", text("slurm.nodelist", slurm.nodelist)},
      {"exclude", text("slurm.exclude", slurm.exclude)},
      {"exclusive", flag(slurm.exclusive, "--exclusive")},
      {"hint", text("cpus.hint of the site", site.cpus.hint)},
      {"extra_sbatch", options("extra_sbatch of the site", site.extra_sbatch)},
      {"requeue", flag(site.requeue.allowed, "--requeue")},
      {"no_requeue", flag(!site.requeue.allowed, "--no-requeue")},
      {"no_kill", flag(outlives_a_node(slurm, site), "--no-kill")},
      {"signal", warning ? Lines{cat("B:", signal, "@", *warning)} : Lines{}},
      {"signal_name", {signal}},
      {"export", {directive_value("the list of exported variables", join(job.exports, ","))}},
      {"program", {shell_word("the path of peft-studio", job.program.string())}},
      {"run", {shell_word("the run's folder", job.run_dir.string())}},
      {"modules", shell_words("modules of the site", site.modules)},
      {"setup", setup_lines(site.setup)},
      {"environment", assignments(site.environment)},
      {"scratch", site.scratch ? Lines{shell_path("scratch of the site", *site.scratch)} : Lines{}},
  };
}

}  // namespace

std::optional<int> warning_seconds(const recipe::Slurm& slurm, const site::Signal& signal,
                                   std::optional<double> checkpoint_s) {
  return site::warning_seconds(config::slurm_seconds(slurm.time), signal, checkpoint_s);
}

std::string job_script(const Job& job) {
  return doing("writing the job script", [&] { return fill_template(job_template(), values_of(job)); });
}

}  // namespace pst::cluster
