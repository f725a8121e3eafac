// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/strings.hpp"
#include "datarules/findings.hpp"

namespace pst::datarules {
namespace {

std::string count_of(std::int64_t count, const char* what) {
  return cat(grouped(count), " ", what, count == 1 ? "" : "s");
}

std::string summary_of(const Findings& findings) {
  std::uint64_t bytes = 0;
  for (const FileRead& file : findings.files) bytes += file.bytes;
  return cat(count_of(findings.records(), "record"), " in ",
             count_of(static_cast<std::int64_t>(findings.files.size()), "file"), ", ", human_bytes(bytes), ", read in ",
             fixed(findings.seconds, findings.seconds < 10 ? 2 : 0), " s\n");
}

}  // namespace

std::string Findings::to_text() const {
  std::string text = summary_of(*this);
  for (const FileRead& file : files) {
    text += cat("  ", file.path, ": ", count_of(file.records, "record"));
    if (file.bad_records > 0) text += cat(" and ", grouped(file.bad_records), " broken");
    if (!file.format.empty()) text += cat(", ", file.format);
    text += file.split == Split::validation ? ", validation\n" : "\n";
  }
  const auto all = found();
  for (const Found* const one : all) {
    const Rule& rule = *one->rule;
    text += cat('\n', name_of(level_of(*one)), " ", rule.name, ": ", grouped(one->records), " of ", grouped(records()),
                records() == 1 ? " record, " : " records, ", fixed(100 * share_of(*one), 2), " %",
                one->hits > one->records ? cat(", ", grouped(one->hits), " times") : "", "\n  ", rule.finds, "\n");
    for (const Shown& shown : one->examples) {
      text += cat("    ", place_text(shown.place));
      if (!shown.hit.where.empty()) text += cat(", ", shown.hit.where);
      if (!shown.hit.detail.empty()) text += cat(": ", shown.hit.detail);
      if (!shown.hit.sample.empty()) text += cat("\n      ", shown.hit.sample);
      text += '\n';
    }
    text += cat("  to do: ", rule.remedy, '\n');
  }
  if (all.empty()) text += "\nnothing was found\n";
  for (const auto& note : notes) text += cat("\nnote: ", note, '\n');
  return text;
}

}  // namespace pst::datarules
