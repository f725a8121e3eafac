// SPDX-License-Identifier: Apache-2.0
#include "datafiles/record_json.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"

namespace pst::datafiles {
namespace {

constexpr json::Limits kLimits{.members = 256, .nul_in_strings = false, .long_integers = true};

/// Where byte `offset` is: a record of a JSON list may go over several lines.
std::string place_in(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  if (lines == 0) return cat("at column ", offset + 1);
  return cat(lines, lines == 1 ? " line" : " lines", " further on, at column ", before.size() - before.rfind('\n'));
}

}  // namespace

Json parse_record(std::string_view text) {
  const auto refuse = [](const std::string& what) { throw Error(Fault::data, what); };
  Json record;
  if (const auto flaw = json::read(text, record, kLimits))
    refuse(flaw->syntax ? cat("not JSON ", place_in(text, flaw->offset), ": ", flaw->reason) : flaw->reason);
  if (!record.is_object()) refuse(cat("the line is a JSON ", kind_of(record), "; an example is an object {...}"));
  return record;
}

std::optional<Json> json_in_text(std::string_view text) {
  Json value;
  if (json::read(text, value, kLimits)) return std::nullopt;
  return value;
}

std::string kind_of(const Json& value) { return json::long_integer(value) ? "number" : value.type_name(); }

}  // namespace pst::datafiles
