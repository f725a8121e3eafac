// SPDX-License-Identifier: Apache-2.0
#include "data/messages.hpp"
#include "data/record_format.hpp"

namespace pst::data {

Example read_sharegpt(const Record& record);

namespace {

/// Both forms are the format `chat`: a file may mix them.
Example read(const Record& record) {
  const Json* const messages = record.find("messages");
  if (!messages && record.find("conversations")) return read_sharegpt(record);
  Example example;
  append_messages(example, messages ? *messages : record.must_have("messages"), "messages");
  read_tools_and_system(example, record);
  read_template_values(example, record);
  example.is_bad = record.is_marked_bad("kto_tag");
  return example;
}

}  // namespace

extern const RecordFormat kChatRecords;
const RecordFormat kChatRecords{recipe::DataFormat::chat,
                                [](const Json& record) { return record.contains("messages"); }, "\"messages\"", &read};

}  // namespace pst::data
