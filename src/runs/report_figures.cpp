// SPDX-License-Identifier: Apache-2.0
#include "runs/report_figures.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/job_script_for.hpp"
#include "runs/plan_inputs.hpp"

namespace pst::runs {
namespace {

/// What a rank of the run was, as far as the nodes wrote it down.
struct RankKind {
  std::string cpu, precision;
  int ranks_here = 0, threads = 0;
};

std::optional<RankKind> kind_of_ranks(const std::vector<report::Attempt>& attempts) {
  const report::Attempt* longest = nullptr;
  for (const auto& attempt : attempts)
    if (longest == nullptr || attempt.steps.size() >= longest->steps.size()) longest = &attempt;
  if (longest == nullptr || longest->nodes.empty()) return std::nullopt;
  RankKind kind{.cpu = longest->nodes.front().cpu, .precision = {}};
  for (const auto& node : longest->nodes)
    if (node.cpu.empty() || node.cpu != kind.cpu || !node.gpus.empty()) return std::nullopt;
  try {
    kind.precision = longest->resolved.at("train.precision").at("value").get<std::string>();
    const auto threads = to_int(longest->resolved.at("train.threads").at("value").get<std::string>());
    kind.threads = static_cast<int>(threads.value_or(0));
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // of before the first release
  }
  for (const auto& rank : longest->members) kind.ranks_here += rank.host == longest->nodes.front().host;
  return kind;
}

/// In operations a second, over all sizes that probe tried.
std::optional<double> fastest_product(const plan::Layout& layout, const std::string& precision) {
  const auto found = layout.tables.find(cat("linear_forward.", precision == "bf16" ? "bf16" : "f32"));
  if (found == layout.tables.end() || found->second.axes().size() != 3) return std::nullopt;
  const auto& axes = found->second.axes();
  double best = 0;
  std::size_t at = 0;
  for (const double tokens : axes[0].points)
    for (const double in : axes[1].points)
      for (const double out : axes[2].points)
        best = std::max(best, 2 * tokens * in * out / found->second.seconds()[at++]);
  return best;
}

}  // namespace

report::Figures with_source(report::Figures figures, const rundir::RunDir& run) {
  std::vector<std::string> sources;
  if (figures.price_per_node_hour || figures.watts_per_node || figures.carbon_g_per_kwh || figures.peak_flops_per_rank)
    sources.emplace_back("command line");
  const site::Site site = site_of(run);
  const auto fill = [&](std::optional<double>& figure, const std::optional<double>& of_site) {
    if (figure || !of_site) return false;
    figure = of_site;
    return true;
  };
  const bool price = fill(figures.price_per_node_hour, site.cost.node_hour);
  if (price) figures.currency = site.cost.currency;
  const bool watts = fill(figures.watts_per_node, site.cost.busy_w);
  const bool carbon = fill(figures.carbon_g_per_kwh, site.cost.carbon_g_per_kwh);
  if (price || watts || carbon) sources.push_back("site " + site.name);
  if (figures.source.empty()) figures.source = join(sources, ", ");
  return figures;
}

report::Figures with_measured_peak(report::Figures figures, const std::vector<report::Attempt>& attempts) {
  if (figures.peak_flops_per_rank) return figures;
  const auto kind = kind_of_ranks(attempts);
  if (!kind || kind->threads < 1) return figures;
  try {
    const plan::Machine machine = find_machine(kind->cpu);
    const plan::Layout* const layout = machine.layout(kind->ranks_here, kind->threads);
    if (machine.name != kind->cpu || layout == nullptr || layout->threads != kind->threads) return figures;
    figures.peak_flops_per_rank = fastest_product(*layout, kind->precision);
    figures.peak_source =
        cat("the fastest product of probe with ", layout->ranks, layout->ranks == 1 ? " rank" : " ranks", " of ",
            layout->threads, layout->threads == 1 ? " thread; " : " threads; ", machine.source);
  } catch (const Error&) {
    // Nobody has probed such a machine from here: the report says that the peak is not known.
  }
  return figures;
}

}  // namespace pst::runs
