// SPDX-License-Identifier: Apache-2.0
#include "cluster/fill_template.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

constexpr std::size_t kRemarkColumn = 44;

const std::vector<std::string>& values_for(const std::string& name, const TemplateValues& values) {
  const auto found = values.find(name);
  PST_ASSERT(found != values.end(), "every placeholder of jobscripts/*.in is known here: " + name);
  return found->second;
}

std::string with_remark(std::string line, const std::string& remark) {
  if (remark.empty()) return line;
  line.append(line.size() < kRemarkColumn ? kRemarkColumn - line.size() : 2, ' ');
  return line + remark;
}

void fill(const std::string& whole, const TemplateValues& values, std::string& out) {
  std::string line = whole, remark;
  if (const auto cut = whole.find("  # "); whole.starts_with("#SBATCH") && cut != std::string::npos) {
    line = whole.substr(0, cut);
    remark = whole.substr(cut + 2);
  }
  const auto begin = line.find('@');
  if (begin == std::string::npos) {
    out += with_remark(line, remark) + '\n';
    return;
  }
  const auto end = line.find('@', begin + 1);
  PST_ASSERT(end != std::string::npos, "a line of jobscripts/*.in has one @placeholder@ or none");
  for (const auto& value : values_for(line.substr(begin + 1, end - begin - 1), values))
    out += with_remark(line.substr(0, begin) + value + line.substr(end + 1), remark) + '\n';
}

}  // namespace

std::string fill_template(std::string_view text, const TemplateValues& values) {
  std::string out;
  bool is_left_out = false;
  for (const std::string& line : split(trim(text), '\n')) {
    if (line.starts_with("#if ")) {
      is_left_out = values_for(line.substr(4), values).empty();
    } else if (line == "#end") {
      is_left_out = false;
    } else if (!is_left_out) {
      fill(line, values, out);
    }
  }
  return out;
}

}  // namespace pst::cluster
