// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/keyed_hash.hpp"
#include "datafiles/record_json.hpp"

namespace pst::datafiles {

/// What the values of a column are, nulls and missing ones aside. A column with no value at all is a text.
enum class Kind {
  text,
  integer,  ///< of 64 bits, signed
  real,     ///< with integers among them
  boolean,
  json  ///< lists, objects, integers of more digits, or several kinds: in a table of text it is written as JSON
};
const char* word_of(Kind kind);

struct Column {
  std::string name;
  Kind kind = Kind::text;
  std::int64_t values = 0, nulls = 0;  ///< records that have one; those whose value is null
  bool has_long_integers = false;      ///< which no real number holds
};

/// The columns of a file: what its records hold, in the order in which keys first come up.
class Schema {
 public:
  /// @throws Error(data) at more than 4096 columns
  void see(const Json& record);
  const std::vector<Column>& columns() const { return columns_; }
  const Column* find(const std::string& name) const;  ///< nullptr: there is none
  std::int64_t records() const { return records_; }

  /// {"records": ..., "columns": [{"name", "kind", "values", "nulls", "missing"}]}.
  Json report() const;
  /// @throws Error(data) when it is no report
  static Schema of_report(const Json& report);

  /// The value that the text of a cell stands for. @throws Error(data) when it is none of the column's kind
  static Json value_of(const Column& column, const std::string& cell);

 private:
  std::vector<Column> columns_;
  std::unordered_map<std::string, std::size_t, KeyedHash> places_;
  std::int64_t records_ = 0;
};

/// A value as JSON text, on one line. Integers keep all their digits.
std::string json_text(const Json& value);

}  // namespace pst::datafiles
