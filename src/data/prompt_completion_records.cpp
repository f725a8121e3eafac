// SPDX-License-Identifier: Apache-2.0
#include "data/messages.hpp"
#include "data/record_format.hpp"

namespace pst::data {
namespace {

Example read(const Record& record) {
  const Json& prompt = record.must_have("prompt");
  const Json& completion = record.must_have("completion");
  Example example;
  example.is_bad = record.is_marked_bad("label") || record.is_marked_bad("kto_tag");
  if (prompt.is_array() && completion.is_array()) {
    append_messages(example, prompt, "prompt");
    example.prompt_messages = example.messages.size();
    append_messages(example, completion, "completion");
    read_tools_and_system(example, record);
    read_template_values(example, record);
    return example;
  }
  if (prompt.is_array() != completion.is_array())
    refuse("\"prompt\" and \"completion\" must both be texts or both be lists of messages");
  example.kind = Example::Kind::pair;
  example.prompt = record.text("prompt");
  example.completion = record.text("completion");
  return example;
}

}  // namespace

extern const RecordFormat kPromptCompletionRecords;
const RecordFormat kPromptCompletionRecords{
    recipe::DataFormat::prompt_completion,
    [](const Json& record) { return record.contains("prompt") && record.contains("completion"); },
    "\"prompt\" and \"completion\"", &read};

}  // namespace pst::data
