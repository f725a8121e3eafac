// SPDX-License-Identifier: Apache-2.0
#include "report/markdown.hpp"

#include "core/printable.hpp"
#include "core/strings.hpp"

namespace pst::report {
namespace {

bool is_word(std::string_view text, std::size_t i) {
  if (i >= text.size()) return false;
  const char c = text[i];
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string markdown_text(std::string_view text) {
  const std::string line = printable(text);
  std::string safe;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool inside_a_word = line[i] == '_' && i > 0 && is_word(line, i - 1) && is_word(line, i + 1);
    if (!inside_a_word && std::string_view("\\`*_[]<>|&~$#").find(line[i]) != std::string_view::npos) safe += '\\';
    safe += line[i];
  }
  // Readers make a link of a bare address: an entity in it keeps it as text.
  for (const std::string_view address : {"://", "www."})
    for (std::size_t at = 0; (at = safe.find(address, at)) != std::string::npos; at += 6)
      safe.replace(at, address.size(), address == "://" ? "&#58;//" : "www&#46;");
  return safe;
}

std::string markdown_table(const std::vector<std::string>& head, const std::vector<std::vector<MarkdownCell>>& rows) {
  std::string out = "|", rule = "|";
  for (std::size_t i = 0; i < head.size(); ++i) {
    out += cat(" ", markdown_text(head[i]), " |");
    rule += i == 0 ? "---|" : "---:|";
  }
  out += cat("\n", rule, "\n");
  for (const auto& row : rows) {
    out += "|";
    for (const auto& cell : row) {
      const char* const mark = cell.is_strong ? "**" : "";
      out += cat(" ", mark, markdown_text(cell.text), mark, " |");
    }
    out += "\n";
  }
  return out + "\n";
}

}  // namespace pst::report
