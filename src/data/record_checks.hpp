// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "data/example.hpp"

namespace pst::data {

// What formats of records share. All throw Error(data) naming the key that is wrong, without the file's place.
[[noreturn]] void refuse(const std::string& what);
std::string keys_of(const Json& record);  ///< the first ten, for messages
const Json& must_have(const Json& record, const char* key);
const std::string& text_of(const Json& record, const char* key);
std::string text_or_empty(const Json& record, const char* key);
/// Checks a list of messages and appends it. @param key  where the list stands, for messages
void append_messages(Json& to, const Json& messages, const char* key);

}  // namespace pst::data
