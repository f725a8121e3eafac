// SPDX-License-Identifier: Apache-2.0
#include "config/problems.hpp"

#include <algorithm>
#include <tuple>

#include "core/brief.hpp"
#include "core/strings.hpp"

namespace pst::config {
namespace {

constexpr std::size_t kLongest = 4000;  // of one problem: a word of the file may be all of it

/// Whether both have the same text(), without making it: a file may have a problem in each of its lines.
bool is_same_place(const Mark& a, const Mark& b) {
  const auto line = [](const Mark& mark) { return std::max(mark.line, 0); };
  const auto column = [&](const Mark& mark) { return line(mark) == 0 ? 0 : std::max(mark.column, 0); };
  if (line(a) != line(b) || column(a) != column(b)) return false;
  return a.source == b.source || (a.source && b.source && *a.source == *b.source);
}

}  // namespace

std::string Mark::text() const {
  const std::string name = source ? *source : std::string("input");
  if (line <= 0) return name;
  return column > 0 ? cat(name, ":", line, ":", column) : cat(name, ":", line);
}

void Problems::add(const Mark& where, const std::string& what) {
  const auto is_same = [&](const auto& other) { return is_same_place(other.first, where) && other.second == what; };
  if (std::any_of(shown_.begin(), shown_.end(), is_same)) return;
  ++count_;
  if (shown_.size() < kShown) shown_.emplace_back(where, brief(what, kLongest));
}

std::vector<std::string> Problems::lines() const {
  std::vector<std::string> names;  // of files, as they came
  const auto place = [&](const Mark& mark) {
    const std::string name = mark.source ? *mark.source : std::string();
    const auto found = std::find(names.begin(), names.end(), name);
    const auto index = found - names.begin();
    if (found == names.end()) names.push_back(name);
    return std::tuple(index, mark.line, mark.column);
  };
  std::vector<std::pair<std::tuple<std::ptrdiff_t, int, int>, std::string>> placed;
  for (const auto& [mark, what] : shown_) placed.emplace_back(place(mark), cat(mark.text(), ": ", what));
  std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> all;
  for (auto& [where, line] : placed) all.push_back(std::move(line));
  return all;
}

void Problems::throw_if_any(Fault fault) const {
  if (empty()) return;
  std::string all = join(lines(), "\n");
  if (count_ > shown_.size()) all += cat("\n... and ", count_ - shown_.size(), " more");
  throw Error(fault, cat(all, " (", count_, count_ == 1 ? " problem" : " problems", ", nothing started)"));
}

}  // namespace pst::config
