// SPDX-License-Identifier: Apache-2.0
#include "data/record_checks.hpp"
#include "data/record_format.hpp"

namespace pst::data {
namespace {

Example read(const Record& record) {
  Example example;
  example.kind = Example::Kind::text;
  example.completion = record.text("text");
  return example;
}

}  // namespace

extern const RecordFormat kTextRecords;
const RecordFormat kTextRecords{recipe::DataFormat::text, [](const Json& record) { return record.contains("text"); },
                                "\"text\"", &read};

}  // namespace pst::data
