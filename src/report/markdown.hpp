// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pst::report {

/// Text as Markdown shows it: nothing in it becomes a link, an image, HTML, emphasis or another cell. One line.
std::string markdown_text(std::string_view text);

struct MarkdownCell {
  std::string text;
  bool is_strong = false;
};
/// The first column to the left, the others to the right. Cells are texts and are escaped here.
std::string markdown_table(const std::vector<std::string>& head, const std::vector<std::vector<MarkdownCell>>& rows);

}  // namespace pst::report
