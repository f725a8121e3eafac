// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "data/example.hpp"

namespace pst::data {

// What formats of records share. All throw Error(data) naming the key that is wrong, without the file's place.
[[noreturn]] void refuse(const std::string& what);

/// One record, which remembers what was read of it: what nobody asked for is told.
class Record {
 public:
  explicit Record(const Json& json) : json_(json) {}

  const Json* find(std::string_view key) const;  ///< null when absent
  const Json& must_have(std::string_view key) const;
  const std::string& text(std::string_view key) const;  ///< needed
  std::string text_or_empty(std::string_view key) const;
  /// Whether `key` says that the answer is of the kind that is not wanted: false, as in unpaired preferences, or
  /// the text of it.
  bool is_marked_bad(std::string_view key) const;

  std::vector<std::string> unread() const;  ///< keys that were not asked for

 private:
  const Json& json_;
  mutable std::vector<std::string> read_;
};

std::string keys_of(const Json& record);  ///< the first ten, for messages

}  // namespace pst::data
