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

/// A form of records that are known, and that nothing is trained on: a row of untrained_formats().
struct UntrainedFormat {
  recipe::DataFormat format;
  bool (*fits)(const Json& record);
  const char* name;    ///< "preference record"
  const char* keys;    ///< as above
  const char* remedy;  ///< what a person can do with such records
  /// @throws Error(data) naming what is wrong in the record, without the file's place
  void (*check)(const Json& record);
};

/// In the order in which a file's first record is held against them, once no RecordFormat fits.
std::span<const UntrainedFormat* const> untrained_formats();
const UntrainedFormat* untrained(recipe::DataFormat format);  ///< null for a format that can be trained on

}  // namespace pst::data
