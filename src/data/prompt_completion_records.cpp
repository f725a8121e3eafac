// SPDX-License-Identifier: Apache-2.0
#include "data/record_checks.hpp"
#include "data/record_format.hpp"

namespace pst::data {
namespace {

Example read(const Json& record) {
  const Json& prompt = must_have(record, "prompt");
  const Json& completion = must_have(record, "completion");
  Example example;
  if (prompt.is_array() && completion.is_array()) {
    append_messages(example.messages, prompt, "prompt");
    example.prompt_messages = example.messages.size();
    append_messages(example.messages, completion, "completion");
    return example;
  }
  if (prompt.is_array() != completion.is_array())
    refuse("\"prompt\" and \"completion\" must both be texts or both be lists of messages");
  example.kind = Example::Kind::pair;
  example.prompt = text_of(record, "prompt");
  example.completion = text_of(record, "completion");
  return example;
}

}  // namespace

extern const RecordFormat kPromptCompletionRecords;
const RecordFormat kPromptCompletionRecords{
    recipe::DataFormat::prompt_completion,
    [](const Json& record) { return record.contains("prompt") && record.contains("completion"); },
    "\"prompt\" and \"completion\"", &read};

}  // namespace pst::data
