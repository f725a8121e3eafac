// SPDX-License-Identifier: Apache-2.0
#include "datarules/findings.hpp"

#include <algorithm>

#include "core/strings.hpp"
#include "datarules/personal_data.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::datarules {
namespace {

/// Whether nobody sees the character, or sees another one.
bool is_unseen(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xfffd ||
         (c >= 0xe000 && c <= 0xf8ff) || c >= 0xe0000;
}

void append_seen(std::string& to, std::string_view text) {
  constexpr const char* kHex = "0123456789ABCDEF";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = tokenizer::next_char(text, at);
    if (c == '\n' || c == '\t') {
      to += ' ';
    } else if (is_unseen(c)) {
      std::string digits;
      for (char32_t rest = c; rest != 0 || digits.size() < 4; rest >>= 4)
        digits.insert(digits.begin(), kHex[rest & 15]);
      to += cat("<U+", digits, ">");
    } else {
      to += text.substr(begin, at - begin);
    }
  }
}

bool is_inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

}  // namespace

std::string excerpt(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::size_t kAround = 32, kMost = 120, kFarther = 4096;
  begin = std::min(begin, text.size());
  end = std::clamp(end, begin, text.size());
  std::size_t from = begin > kAround ? begin - kAround : 0;
  std::size_t to = std::min({end + kAround, text.size(), from + kMost + 2 * kAround});
  while (from > 0 && is_inside_character(text, from)) --from;
  while (to < text.size() && is_inside_character(text, to)) ++to;
  // What is personal may begin before and end behind, so more is looked at than is shown.
  std::size_t look_from = from > kFarther ? from - kFarther : 0;
  std::size_t look_to = std::min(text.size(), to + kFarther);
  while (look_from > 0 && is_inside_character(text, look_from)) --look_from;
  while (look_to < text.size() && is_inside_character(text, look_to)) ++look_to;

  std::string shown = from > 0 ? "..." : "";
  std::size_t at = from;
  for (const PersonalSpan& span : find_personal(text.substr(look_from, look_to - look_from))) {
    const std::size_t span_begin = span.begin + look_from, span_end = span.end + look_from;
    if (span_end <= at || span_begin >= to) continue;
    if (span_begin > at) append_seen(shown, text.substr(at, span_begin - at));
    shown += cat("[", span.kind, ", ", span_end - span_begin, " characters]");
    at = span_end;
  }
  if (at < to) append_seen(shown, text.substr(at, to - at));
  if (std::max(at, to) < text.size()) shown += "...";
  return shown;
}

void Findings::add(const Rule& rule, Place place, const std::function<Hit()>& make) {
  if (!choices_.is_on(rule)) return;
  Found& found = found_[&rule];
  found.rule = &rule;
  ++found.hits;
  if (found.hits == 1 || !(found.last == place)) ++found.records;
  found.last = place;
  const bool is_kept = found.examples.size() < kExamples;
  if (!is_kept && !listener_) return;
  const Hit hit = make();
  if (is_kept) found.examples.push_back({place, hit});
  if (listener_) listener_(*this, rule, place, hit);
}

void Findings::add(const Rule& rule, const RecordView& record, const Text& text, const std::string& detail,
                   std::size_t begin, std::size_t end) {
  add(rule, record.place, [&] { return Hit{detail, text.where(), excerpt(text.text, begin, end)}; });
}

std::int64_t Findings::records() const {
  std::int64_t all = 0;
  for (const FileRead& file : files) all += file.records + file.bad_records;
  return all;
}

std::string Findings::place_text(Place place) const {
  const FileRead& file = files.at(place.file);
  if (place.line == 0) return file.path;
  return cat(file.path, file.counts_rows ? ": row " : ":", place.line);
}

double Findings::share_of(const Found& found) const {
  const auto all = records();
  return all == 0 ? 0 : static_cast<double>(found.records) / static_cast<double>(all);
}

Level Findings::level_of(const Found& found) const {
  return found.rule->tolerated > 0 && share_of(found) <= found.rule->tolerated ? Level::info : found.rule->level;
}

std::vector<const Found*> Findings::found() const {
  std::vector<const Found*> all;
  for (const Rule* const rule : all_rules())
    if (const auto found = found_.find(rule); found != found_.end()) all.push_back(&found->second);
  std::stable_sort(all.begin(), all.end(), [&](const Found* a, const Found* b) { return level_of(*a) > level_of(*b); });
  return all;
}

}  // namespace pst::datarules
