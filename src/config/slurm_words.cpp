// SPDX-License-Identifier: Apache-2.0
#include "config/slurm_words.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::config {
namespace {

bool is_digits(std::string_view text, std::size_t most = 9) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_below(std::string_view text, int bound) { return is_digits(text, 2) && *to_int(text) < bound; }

}  // namespace

bool is_slurm_time(std::string_view text) {
  if (text == "UNLIMITED") return true;
  const auto dash = text.find('-');
  const bool has_days = dash != std::string_view::npos;
  if (has_days && !is_digits(text.substr(0, dash), 6)) return false;
  const auto parts = split(has_days ? text.substr(dash + 1) : text, ':');
  if (parts.size() > 3) return false;
  if (has_days) {  // days-hours, days-hours:minutes, days-hours:minutes:seconds
    constexpr int kBounds[] = {24, 60, 60};
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (!is_below(parts[i], kBounds[i])) return false;
    return true;
  }
  // minutes, minutes:seconds, hours:minutes:seconds; only the first may be large
  if (!is_digits(parts[0], 6)) return false;
  return std::all_of(parts.begin() + 1, parts.end(), [](const std::string& part) { return is_below(part, 60); });
}

std::optional<std::int64_t> slurm_seconds(std::string_view text) {
  if (!is_slurm_time(text) || text == "UNLIMITED") return std::nullopt;
  const auto dash = text.find('-');
  const bool has_days = dash != std::string_view::npos;
  std::vector<std::int64_t> parts;
  for (const auto& part : split(has_days ? text.substr(dash + 1) : text, ':')) parts.push_back(*to_int(part));
  constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400;
  if (has_days) {
    parts.resize(3);
    return *to_int(text.substr(0, dash)) * kDay + parts[0] * kHour + parts[1] * kMinute + parts[2];
  }
  if (parts.size() == 3) return parts[0] * kHour + parts[1] * kMinute + parts[2];
  return parts[0] * kMinute + (parts.size() == 2 ? parts[1] : 0);
}

bool is_slurm_memory(std::string_view text) {
  if (!text.empty() && std::string_view("KMGT").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return is_digits(text, 12);
}

Constraint directive_word() {
  return text_that("one word without blanks, quotes, `\\`, `$` or `#`", [](std::string_view text) {
    return !text.empty() && text.find_first_of(" \t\"'`\\$#;") == std::string_view::npos;
  });
}

std::optional<std::int64_t> slurm_megabytes(std::string_view text) {
  if (!is_slurm_memory(text)) return std::nullopt;
  const char unit = text.back();
  const bool has_unit = unit > '9';
  const auto number = to_int(has_unit ? text.substr(0, text.size() - 1) : text);
  if (!number) return std::nullopt;
  switch (has_unit ? unit : 'M') {
    case 'K': return (*number + 1023) / 1024;
    case 'G': return *number * 1024;
    case 'T': return *number * 1024 * 1024;
    default: return *number;
  }
}

std::string slurm_time(std::int64_t seconds) {
  const auto two = [](std::int64_t value) { return cat(value < 10 ? "0" : "", value); };
  const std::string clock = cat(two(seconds % 86400 / 3600), ":", two(seconds % 3600 / 60), ":", two(seconds % 60));
  return seconds >= 86400 ? cat(seconds / 86400, "-", clock) : clock;
}

bool is_variable_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && text.size() <= 255 && letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace pst::config
