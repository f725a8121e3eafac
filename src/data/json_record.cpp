// SPDX-License-Identifier: Apache-2.0
#include "data/json_record.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"

namespace pst::data {

Json parse_record(std::string_view line) {
  const auto refuse = [](const std::string& what) { throw Error(Fault::data, what); };
  Json record;
  if (const auto flaw = json::read(line, record, {.members = 256, .nul_in_strings = false}))
    refuse(flaw->syntax ? cat("not JSON at column ", flaw->offset + 1, ": ", flaw->reason) : flaw->reason);
  if (!record.is_object()) refuse(cat("the line is a JSON ", record.type_name(), "; an example is an object {...}"));
  return record;
}

}  // namespace pst::data
