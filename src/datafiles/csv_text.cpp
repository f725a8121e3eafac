// SPDX-License-Identifier: Apache-2.0
#include "datafiles/csv_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/lines.hpp"

namespace pst::datafiles {

char CsvRows::at(std::size_t index) {
  while (index >= window_.front().size())
    if (!window_.grow()) return '\0';
  return window_.front()[index];
}

std::optional<std::vector<Cell>> CsvRows::next() {
  if (is_over_) return std::nullopt;
  if (std::exchange(is_first_, false)) skip_mark(window_);
  while (at(0) == '\n' || at(0) == '\r') {  // blank lines
    if (!(at(0) == '\r' && at(1) == '\n')) ++here_;
    window_.drop(1);
  }
  line_ = here_;
  if (window_.front().empty()) return std::nullopt;

  std::vector<Cell> row(1);
  std::string flaw;
  enum class In { start, plain, quotes, behind } in = In::start;
  int quote_line = 0;
  std::size_t used = 0;
  for (bool ends = false; !ends; ++used) {
    const char c = at(used);
    const bool is_end = c == '\0' && used >= window_.front().size();
    if (in == In::quotes) {
      if (is_end) {
        is_over_ = true;
        throw Error(Fault::data, cat("the quote that opens in line ", quote_line, " does not end"));
      }
      if (c == '\n') ++here_;
      if (c != '"') {
        row.back().text += c;
      } else if (at(used + 1) == '"') {
        row.back().text += '"';
        ++used;
      } else {
        in = In::behind;
      }
    } else if (c == delimiter_) {
      if (row.size() == kMostCells) {  // each takes memory, and a delimiter is one byte
        if (flaw.empty()) flaw = cat("the row has more than ", kMostCells, " cells");
        row.pop_back();
      }
      row.emplace_back();
      in = In::start;
    } else if (c == '\n' || c == '\r' || is_end) {
      if (c == '\r' && at(used + 1) == '\n') ++used;
      if (!is_end) ++here_;
      if (is_end) --used;
      ends = true;
    } else if (c == '"' && in == In::start) {
      in = In::quotes;
      row.back().is_quoted = true;
      quote_line = here_;
    } else {
      if (in == In::behind && flaw.empty())
        flaw = cat("cell ", row.size(), " goes on behind its closing quote; a quote inside a cell is written \"\"");
      if (c == '\0' && flaw.empty()) flaw = "the row has a NUL byte; the file is damaged or not text";
      if (in == In::start) in = In::plain;
      row.back().text += c;
    }
    if (used > Lines::kLongest && !ends) {
      is_over_ = true;
      throw Error(Fault::data, cat("the row is longer than 64 MiB",
                                   quote_line > 0 ? cat("; a quote opens in line ", quote_line) : std::string()));
    }
  }
  const std::string_view text = window_.front().substr(0, used);
  if (flaw.empty() && !is_utf8(text)) flaw = *flaw_of_line(text);
  window_.drop(used);
  if (!flaw.empty()) throw Error(Fault::data, flaw);
  return row;
}

bool is_delimiter(std::string_view text) {
  return text.size() == 1 && text[0] > 0 && text[0] != '"' && text[0] != '\n' && text[0] != '\r';
}

char delimiter_of(std::string_view front) {
  if (front.starts_with("\xef\xbb\xbf")) front.remove_prefix(3);
  if (lower(front.substr(0, 4)) == "sep=" && is_delimiter(front.substr(4, 1))) return front[4];
  constexpr std::array kCandidates = {',', ';', '\t', '|'};
  constexpr int kRows = 20;
  char best = ',';
  std::size_t best_cells = 1, best_same = 0;
  for (const char candidate : kCandidates) {
    Window window(std::make_unique<MemoryStream>(front));
    CsvRows rows(window, candidate);
    std::vector<std::size_t> cells;
    try {
      for (int i = 0; i < kRows; ++i) {
        const auto row = rows.next();
        if (!row) break;
        cells.push_back(row->size());
      }
    } catch (const Error&) {  // the front may end within a row, and quotes of another delimiter look broken
    }
    if (cells.empty() || cells[0] < 2) continue;
    const auto same = static_cast<std::size_t>(std::count(cells.begin(), cells.end(), cells[0]));
    if (same > best_same || (same == best_same && cells[0] > best_cells)) {
      best = candidate;
      best_cells = cells[0];
      best_same = same;
    }
  }
  return best;
}

std::string csv_cell(std::string_view text, char delimiter) {
  const bool plain = !text.empty() && text.find_first_of(std::string("\"\r\n") + delimiter) == text.npos &&
                     text.front() != ' ' && text.back() != ' ';
  if (plain) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

}  // namespace pst::datafiles
