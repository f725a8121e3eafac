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
  for (const auto* const row : untrained_formats())
    if (row->fits(record)) return {row->format, row->keys};
  return {recipe::DataFormat::automatic,
          cat("the record has none of ", join(known, "; "), "; its keys: ", keys_of(record))};
}

namespace {

/// What these keys hold is never a text: where a table has no other cells, it is the JSON text of a list or an object.
constexpr std::array kNeverTexts = {"messages", "conversations", "history", "documents", "chat_template_kwargs"};

void read_texts_of_json(Json& record) {
  for (const char* const key : kNeverTexts) {
    const auto found = record.find(key);
    if (found == record.end() || !found->is_string()) continue;
    const std::string& text = found->get_ref<const std::string&>();
    const auto begin = trim(text).substr(0, 1);
    if (begin != "[" && begin != "{") continue;
    if (auto value = json_in_text(text)) {
      *found = std::move(*value);
    } else {
      const bool is_python = text.find("\'role\'") != text.npos || text.find("\'from\'") != text.npos;
      refuse(cat("\"", key, "\" is a text that begins like JSON and is none",
                 is_python ? ": it is a list as Python prints it; write it with json.dumps" : ""));
    }
  }
}

}  // namespace

Example example_of(Json record, recipe::DataFormat format) {
  read_texts_of_json(record);
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
