// SPDX-License-Identifier: Apache-2.0
#include "report/parse_step_line.hpp"

#include <charconv>

#include "core/strings.hpp"

namespace pst::report {
namespace {

constexpr std::string_view kTime = "{\"t\":\"", kStep = "\",\"kind\":\"step\",\"step\":", kRanks = ",\"us\":[";
constexpr std::size_t kTimeLength = 24;  // 2026-11-23T01:37:33.123Z

bool number(const char*& at, const char* end, std::int64_t& value) {
  const auto [rest, status] = std::from_chars(at, end, value);
  if (status != std::errc()) return false;
  at = rest;
  return true;
}

bool expect(const char*& at, const char* end, char c) {
  if (at == end || *at != c) return false;
  ++at;
  return true;
}

}  // namespace

std::optional<StepText> StepText::of(std::string_view line) {
  const std::size_t head = kTime.size() + kTimeLength;
  if (!line.starts_with(kTime) || line.size() < head + kStep.size() || line.back() != '}' ||
      line.substr(head, kStep.size()) != kStep)
    return std::nullopt;
  StepText text;
  text.time_ = line.substr(kTime.size(), kTimeLength);
  const char* at = line.data() + head + kStep.size();
  const char* const end = line.data() + line.size();
  if (!number(at, end, text.step_)) return std::nullopt;
  text.us_ = {at, static_cast<std::size_t>(end - at)};
  if (!text.us_.starts_with(kRanks)) return std::nullopt;
  return text;
}

bool StepText::ranks(std::vector<RankTimes>& into) const {
  into.clear();
  const char* at = us_.data() + kRanks.size();
  const char* const end = us_.data() + us_.size();
  if (expect(at, end, ']')) return true;  // no rank had anything to say
  do {
    std::int64_t rank = 0;
    RankTimes one;
    if (!expect(at, end, '[') || !number(at, end, rank) || !expect(at, end, ',') || !number(at, end, one.times.step_us))
      return false;
    for (auto& phase : one.times.phase_us)
      if (!expect(at, end, ',') || !number(at, end, phase)) return false;
    if (!expect(at, end, ']') || rank < 0 || rank > 1'000'000) return false;
    one.rank = static_cast<int>(rank);
    into.push_back(one);
  } while (expect(at, end, ','));
  return expect(at, end, ']');
}

}  // namespace pst::report
