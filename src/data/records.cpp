// SPDX-License-Identifier: Apache-2.0
#include "data/records.hpp"

#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "data/record_checks.hpp"
#include "data/record_format.hpp"

namespace pst::data {

extern const RecordFormat kAlpacaRecords, kChatRecords, kPromptCompletionRecords, kShareGptRecords, kTextRecords;

std::span<const RecordFormat* const> record_formats() {
  static const std::array rows = {&kChatRecords, &kShareGptRecords, &kPromptCompletionRecords, &kAlpacaRecords,
                                  &kTextRecords};
  return rows;
}

Guess guess_format(const Json& record) {
  std::vector<std::string> known;
  for (const auto* const row : record_formats()) {
    if (row->fits(record)) return {row->format, row->keys};
    known.emplace_back(row->keys);
  }
  return {recipe::DataFormat::automatic,
          cat("the record has none of ", join(known, "; "), "; its keys: ", keys_of(record))};
}

Example example_of(const Json& record, recipe::DataFormat format) {
  for (const auto* const row : record_formats()) {
    if (row->format != format) continue;
    const Record fields(record);
    Example example = row->read(fields);
    for (const auto& key : fields.unread()) example.notes.push_back({"not used, keys of the records", quoted(key, 40)});
    return example;
  }
  throw Error(Fault::bug, "this format has no JSON records");
}

}  // namespace pst::data
