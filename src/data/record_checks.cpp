// SPDX-License-Identifier: Apache-2.0
#include "data/record_checks.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::data {

void refuse(const std::string& what) { throw Error(Fault::data, what); }

std::string keys_of(const Json& record) {
  std::vector<std::string> keys;
  for (const auto& item : record.items()) {
    if (keys.size() == 10) {
      keys.push_back("...");
      break;
    }
    keys.push_back(quoted(item.key(), 40));
  }
  return keys.empty() ? "none" : join(keys, ", ");
}

const Json* Record::find(std::string_view key) const {
  const auto found = json_.find(key);
  if (found == json_.end()) return nullptr;
  read_.emplace_back(key);
  return &*found;
}

const Json& Record::must_have(std::string_view key) const {
  const Json* const found = find(key);
  if (!found) refuse(cat("the record has no \"", key, "\"; its keys: ", keys_of(json_)));
  return *found;
}

const std::string& Record::text(std::string_view key) const {
  const Json& value = must_have(key);
  if (!value.is_string()) refuse(cat("\"", key, "\" is a JSON ", kind_of(value), "; it must be a text"));
  return value.get_ref<const std::string&>();
}

std::string Record::text_or_empty(std::string_view key) const {
  const Json* const found = find(key);
  return !found || found->is_null() ? std::string() : text(key);
}

bool Record::is_marked_bad(std::string_view key) const {
  const auto found = json_.find(key);
  if (found == json_.end()) return false;
  if (found->is_string()) {  // the cells of a table are texts
    const std::string word = lower(found->get_ref<const std::string&>());
    if (word != "true" && word != "false") return false;
    read_.emplace_back(key);
    return word == "false";
  }
  if (!found->is_boolean()) return false;  // a number is a class of somebody's, and unread
  read_.emplace_back(key);
  return !found->get<bool>();
}

std::vector<std::string> Record::unread() const {
  std::vector<std::string> keys;
  for (const auto& item : json_.items())
    if (std::find(read_.begin(), read_.end(), item.key()) == read_.end()) keys.push_back(item.key());
  return keys;
}

}  // namespace pst::data
