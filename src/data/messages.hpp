// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "data/example.hpp"
#include "data/record_checks.hpp"

namespace pst::data {

// Conversations in records. All throw Error(data) naming the message and the key, without the file's place.

/// Checks a list of messages and appends it. @param key  where the list stands, for messages
void append_messages(Example& to, const Json& messages, const char* key);
/// The record's "tools", a list or the JSON text of one, and its "system", which becomes the first message.
void read_tools_and_system(Example& to, const Record& record);
/// The record's "documents" and "chat_template_kwargs", which go to the template.
void read_template_values(Example& to, const Record& record);

}  // namespace pst::data
