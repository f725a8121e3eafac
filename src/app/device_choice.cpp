// SPDX-License-Identifier: Apache-2.0
#include "app/device_choice.hpp"

#include <algorithm>
#include <set>

#include "checkpoint/store.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"

namespace pst::app {
namespace {

/// Why a node has not one GPU for each of its ranks; empty when it has.
std::string lack_of(const std::string& node, const std::vector<GpuFound>& ranks) {
  std::set<std::string> taken;
  for (const GpuFound& rank : ranks) {
    if (rank.node != node) continue;
    if (rank.bus.empty()) return rank.why_not.empty() ? "no GPU can be used" : rank.why_not;
    if (!taken.insert(rank.bus).second) return cat("several of its ranks see the same GPU, ", rank.bus);
  }
  return {};
}

std::string nodes(const std::vector<std::string>& names) {
  return cat(names.size() == 1 ? "node " : "nodes ", join(names, ", "));
}

}  // namespace

DeviceDecision choose_device(const std::vector<GpuFound>& ranks) {
  DeviceDecision decision;
  std::string first_lack;
  for (const GpuFound& rank : ranks) {
    const auto is_this = [&](const std::string& node) { return node == rank.node; };
    if (std::any_of(decision.with.begin(), decision.with.end(), is_this) ||
        std::any_of(decision.without.begin(), decision.without.end(), is_this))
      continue;
    const std::string lack = lack_of(rank.node, ranks);
    (lack.empty() ? decision.with : decision.without).push_back(rank.node);
    if (first_lack.empty() && !lack.empty()) first_lack = cat(rank.node, ": ", lack);
  }
  if (decision.without.empty()) {
    decision.device = DeviceOfAll::gpus;
    decision.reason = ranks.size() == 1 ? "the rank has a GPU" : "every rank has a GPU of its own";
  } else if (decision.with.empty()) {
    decision.device = DeviceOfAll::cpu;
    decision.reason = cat("no node has a GPU for each of its ranks; ", first_lack);
  } else {
    decision.device = DeviceOfAll::mixed;
    decision.reason = cat("every rank has a GPU of its own on ", nodes(decision.with), ", and not on ",
                          nodes(decision.without), " (", first_lack, ")");
  }
  return decision;
}

std::optional<std::string> device_begun_on(const rundir::RunDir& run) {
  std::optional<std::string> device;
  std::error_code ignored;
  if (rundir::fs::exists(run.events_file(), ignored))
    run.for_each_event([&](const nlohmann::ordered_json& event) {
      if (json::text_of(event, "event") != "device") return;
      if (const std::string word = json::text_of(event, "device"); word == "cpu" || word == "cuda") device = word;
    });
  if (device) return device;
  // An event that a full disk did not take, or a run of a version without this event.
  const auto folders = checkpoint::list_folders(run.checkpoints());
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    try {
      const auto keys = checkpoint::texts_in_state(checkpoint::read_manifest(*folder), "recipe");
      const auto found = keys.find("train.device");
      return found != keys.end() && found->second == "cuda" ? "cuda" : "cpu";
    } catch (const Error&) {
      // Damaged: the one before tells it as well.
    }
  }
  return std::nullopt;
}

}  // namespace pst::app
