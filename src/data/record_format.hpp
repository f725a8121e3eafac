// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

#include "data/example.hpp"
#include "data/record_checks.hpp"
#include "recipe/data.hpp"

namespace pst::data {

/// A form that a JSON record may have: a row of record_formats().
struct RecordFormat {
  recipe::DataFormat format;
  bool (*fits)(const Json& record);  ///< by its keys
  const char* keys;                  ///< those, for the report: "\"prompt\" and \"completion\""
  /// @throws Error(data) naming the key or the message that is wrong, without the file's place
  Example (*read)(const Record& record);
};

/// In the order in which a file's first record is held against them.
std::span<const RecordFormat* const> record_formats();

}  // namespace pst::data
