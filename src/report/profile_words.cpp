// SPDX-License-Identifier: Apache-2.0
#include "report/profile_words.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "core/strings.hpp"
#include "report/page.hpp"
#include "report/profile_traces.hpp"

namespace pst::report {
namespace {

using nlohmann::ordered_json;

struct Advice {
  const char* part;
  double limit;  ///< share of a step from which on it is worth a word
  std::string_view words;
};

// The limits are judgement, not measurement: below them a part is as small as it is in a healthy run of this program.
constexpr Advice kAdvice[] = {
    {part::kAdapters, 0.20,
     "their matrices are narrow, and so slow for their size: fewer adapter.target_modules, or more rows at once "
     "(train.micro_batch_size)"},
    {part::kAttention, 0.35, "it grows with the square of a document's length: data.max_length bounds it"},
    {part::kNorms, 0.25, "they are bound by memory bandwidth: bf16 (train.precision) halves their bytes"},
    {part::kHead, 0.35,
     "the vocabulary is large for this model: rows without a label cost nothing there, so check what data.train "
     "labels"},
    {part::kAgain, 0.05,
     "train.gradient_checkpointing: false saves it where memory allows (peft-studio plan says whether it does)"},
    {part::kBetween, 0.10,
     "operations are too small to fill the processor: more rows at once (train.micro_batch_size), or fewer threads a "
     "rank"},
    {part::kData, 0.03, "rows are put together from prepared data: is its disk slow? (the run's output_dir)"},
    {part::kWeights, 0.05,
     "the network is slower than a layer's work: parallel.strategy hybrid or replicate where memory allows, or more "
     "rows at "
     "once (train.micro_batch_size)"},
    {part::kTransfer, 0.05,
     "gradients take long to travel: a larger train.global_batch_size exchanges them less often per token; is MPI on "
     "the fast network?"},
    {part::kOptimizer, 0.10, "a larger train.global_batch_size updates less often per token"},
    {part::kCheckpoint, 0.03, "checkpoint.every_minutes spaces checkpoints out; or the disk is slow"},
};

std::string percent(double share) { return cat(fixed(100 * share, 1), " %"); }

const ordered_json* find_part(const ordered_json& profile, const char* name) {
  for (const auto& one : profile["parts"])
    if (one["part"] == name) return &one;
  return nullptr;
}

double share_of(const ordered_json& profile, const char* name) {
  const auto* found = find_part(profile, name);
  return found != nullptr ? (*found)["share"].get<double>() : 0;
}

/// The hot spots of a kind: "down_proj (12.1 %), gate_proj backward (11.0 %)".
std::string largest(const ordered_json& profile, const std::string& kind) {
  std::vector<std::string> names;
  for (const auto& spot : profile["hot_spots"])
    if (spot["kind"] == kind && names.size() < 3)
      names.push_back(cat(spot["name"].get<std::string>(), " (", percent(spot["share"].get<double>()), ")"));
  return join(names, ", ");
}

std::string bottleneck(const ordered_json& profile) {
  const ordered_json& top = profile["parts"].front();
  const std::string name = top["part"].get<std::string>();
  std::string words = cat("Bottleneck: ", name, ", ", percent(top["share"].get<double>()), " of a step");
  const double forward = top["forward_share"].get<double>(), backward = top["backward_share"].get<double>();
  if (backward > 0) words += cat(" (forward ", percent(forward), ", backward ", percent(backward), ")");
  if (name == part::kFrozen)
    words +=
        cat(". This is the work itself: it shrinks with a smaller model, fewer tokens or lower precision. Largest: ",
            largest(profile, "linear"));
  return words + ".";
}

/// Whom the others wait for, by the common clock.
void add_waiting(const ordered_json& profile, ordered_json& words) {
  const double waiting = share_of(profile, part::kWaiting);
  if (waiting < 0.03) return;
  std::string line = cat("Waiting for other ranks takes ", percent(waiting), " of a step");
  const ordered_json* latest = nullptr;
  double sum = 0;
  for (const auto& rank : profile["ranks"]) {
    if (!rank["waited_for_ms"].is_number()) continue;
    const double ms = rank["waited_for_ms"].get<double>();
    sum += ms;
    if (latest == nullptr || ms > (*latest)["waited_for_ms"].get<double>()) latest = &rank;
  }
  if (latest != nullptr && sum > 0) {
    const double most = (*latest)["waited_for_ms"].get<double>() / sum;
    const bool one = most > 0.5 + 0.5 / static_cast<double>(profile["ranks"].size());
    line += cat("; ", percent(most), " of that for rank ", (*latest)["rank"].get<int>(), " on ",
                (*latest)["node"].get<std::string>(),
                one ? ": look at what else runs there, at its clock speed and temperature"
                    : ", and for others, too: their rows differ in length from step to step, or nodes have other work");
  }
  words.push_back(line + ".");
}

}  // namespace

ordered_json profile_words(const ordered_json& profile) {
  ordered_json words = ordered_json::array({bottleneck(profile)});
  add_waiting(profile, words);
  for (const auto& [name, limit, advice] : kAdvice)
    if (const double share = share_of(profile, name); share >= limit)
      words.push_back(cat(static_cast<char>(std::toupper(name[0])), name + 1, ": ", percent(share), " of a step; ",
                          advice, advice.back() == '?' ? "" : "."));
  return words;
}

std::string profile_text(const ordered_json& profile) {
  const auto cell = [](std::string text, std::size_t width) {
    if (text.size() < width) text.insert(0, width - text.size(), ' ');
    return text;
  };
  const auto named = [](std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
  };
  std::string out = cat("Profile of attempt ", profile["attempt"].get<int>(), ": ", profile["ranks"].size(), " of ",
                        profile["ranks_of_run"].get<int>(), " ranks, a step takes ",
                        fixed(profile["step_ms"].get<double>(), 1), " ms\n");
  for (const auto& gap : profile.value("gaps", ordered_json::array()))
    out += cat("gap: ", gap.get<std::string>(), '\n');
  out += '\n';
  for (const auto& line : profile["words"]) out += cat("- ", line.get<std::string>(), '\n');
  out += "\nPart of a step                        share     ms/step\n";
  for (const auto& one : profile["parts"])
    out += cat(named(one["part"].get<std::string>(), 34), cell(percent(one["share"].get<double>()), 9),
               cell(fixed(one["ms_per_step"].get<double>(), 2), 12), '\n');
  out += "\nHot spot (own time)                             share     ms/step   per step\n";
  std::size_t shown = 0;
  for (const auto& one : profile["hot_spots"]) {
    if (++shown > 12) break;
    const std::string name = cat(one["name"].get<std::string>(), one["kind"] == "adapter" ? " (adapter)" : "");
    out += cat(named(name, 44), cell(percent(one["share"].get<double>()), 9),
               cell(fixed(one["ms_per_step"].get<double>(), 2), 12), cell(fixed(one["per_step"].get<double>(), 0), 11),
               '\n');
  }
  if (!profile["collectives"].empty()) {
    out += "\nCollective                        phase         bytes each     ms each   per step\n";
    for (const auto& one : profile["collectives"])
      out += cat(named(one["operation"].get<std::string>(), 34), named(one["phase"].get<std::string>(), 12),
                 cell(grouped(one["bytes_each"].get<std::int64_t>()), 12),
                 cell(fixed(one["ms_each"].get<double>(), 3), 12), cell(fixed(one["per_step"].get<double>(), 0), 11),
                 '\n');
  }
  if (!profile["disk"].empty()) {
    out += "\nDisk, beside the training               count    ms each     bytes each\n";
    for (const auto& one : profile["disk"])
      out += cat(named(one["name"].get<std::string>(), 34), cell(grouped(one["count"].get<std::int64_t>()), 11),
                 cell(fixed(one["ms_each"].get<double>(), 2), 11),
                 cell(grouped(one["bytes_each"].get<std::int64_t>()), 15), '\n');
  }
  out += "\nRank  node                 steps   ms/step  waited ms  waited for ms\n";
  for (const auto& rank : profile["ranks"]) {
    const auto ms = [&](const char* key) { return rank[key].is_number() ? fixed(rank[key].get<double>(), 2) : "-"; };
    out += cat(named(cat(rank["rank"].get<int>()), 6), named(rank["node"].get<std::string>(), 18),
               cell(cat(rank["steps"].get<std::int64_t>()), 8), cell(ms("step_ms"), 10), cell(ms("waited_ms"), 11),
               cell(ms("waited_for_ms"), 15), '\n');
  }
  return out;
}

}  // namespace pst::report
