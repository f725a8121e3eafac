// SPDX-License-Identifier: Apache-2.0
#include "datafiles/schema.hpp"

#include <array>
#include <limits>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"

namespace pst::datafiles {
namespace {

constexpr std::array<std::pair<Kind, const char*>, 5> kWords = {{{Kind::text, "text"},
                                                                 {Kind::integer, "integer"},
                                                                 {Kind::real, "real"},
                                                                 {Kind::boolean, "boolean"},
                                                                 {Kind::json, "json"}}};

Kind kind_of_value(const Json& value) {
  if (value.is_string()) return Kind::text;
  if (value.is_boolean()) return Kind::boolean;
  if (value.is_number_float()) return Kind::real;
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    return Kind::json;
  return value.is_number() ? Kind::integer : Kind::json;
}

/// Whether a real number holds each integer: beyond 2^53 it does not.
bool fits_a_real(const Json& integer) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  const auto value = integer.get<std::int64_t>();
  return value >= -kMost && value <= kMost;
}

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::data, what); }

}  // namespace

const char* word_of(Kind kind) {
  for (const auto& [value, word] : kWords)
    if (value == kind) return word;
  return "";
}

void Schema::see(const Json& record) {
  constexpr std::size_t kMost = 4096;
  ++records_;
  for (const auto& item : record.items()) {
    const auto [place, is_new] = places_.try_emplace(item.key(), columns_.size());
    if (is_new) {
      if (columns_.size() == kMost) refuse(cat("the records have more than ", kMost, " keys together"));
      columns_.push_back({item.key()});
    }
    Column& column = columns_[place->second];
    ++column.values;
    const Json& value = item.value();
    if (value.is_null()) {
      ++column.nulls;
      continue;
    }
    const Kind kind = kind_of_value(value);
    if (kind == Kind::integer && !fits_a_real(value)) column.has_long_integers = true;
    if (column.values - column.nulls == 1) {
      column.kind = kind;
    } else if (kind != column.kind) {
      const auto is_number = [](Kind k) { return k == Kind::integer || k == Kind::real; };
      column.kind = is_number(kind) && is_number(column.kind) ? Kind::real : Kind::json;
    }
    if (column.kind == Kind::real && column.has_long_integers) column.kind = Kind::json;
  }
}

const Column* Schema::find(const std::string& name) const {
  const auto place = places_.find(name);
  return place == places_.end() ? nullptr : &columns_[place->second];
}

Json Schema::report() const {
  Json columns = Json::array();
  for (const Column& column : columns_)
    columns.push_back({{"name", column.name},
                       {"kind", word_of(column.kind)},
                       {"values", column.values},
                       {"nulls", column.nulls},
                       {"missing", records_ - column.values}});
  return {{"records", records_}, {"columns", std::move(columns)}};
}

Schema Schema::of_report(const Json& report) {
  Schema schema;
  if (!report.is_object() || !report.contains("columns") || !report["columns"].is_array())
    refuse("it has no list \"columns\"");
  for (const Json& item : report["columns"]) {
    const bool is_column =
        item.is_object() && item.contains("name") && item["name"].is_string() && item.contains("kind");
    if (!is_column) refuse("a column has \"name\" and \"kind\"");
    Column column{item["name"].get<std::string>()};
    bool known = false;
    for (const auto& [kind, word] : kWords)
      if (item["kind"] == word) {
        column.kind = kind;
        known = true;
      }
    if (!known) refuse(cat("the kind of ", quoted(column.name, 60), " is none of text, integer, real, boolean, json"));
    schema.places_.emplace(column.name, schema.columns_.size());
    schema.columns_.push_back(std::move(column));
  }
  return schema;
}

Json Schema::value_of(const Column& column, const std::string& cell) {
  if (column.kind == Kind::text) return cell;
  auto value = json_in_text(cell);
  const bool good = value && (column.kind == Kind::json || kind_of_value(*value) == column.kind ||
                              (column.kind == Kind::real && value->is_number()));
  if (!good)
    refuse(cat(quoted(column.name, 60), " is ", quoted(cell, 60), "; it must be of the kind ", word_of(column.kind)));
  return std::move(*value);
}

std::string json_text(const Json& value) {
  if (auto digits = json::long_integer(value)) return std::move(*digits);
  if (!value.is_structured()) return value.dump();
  std::string text(1, value.is_array() ? '[' : '{');
  bool is_first = true;
  for (const auto& item : value.items()) {
    if (!std::exchange(is_first, false)) text += ", ";
    if (value.is_object()) text += cat(Json(item.key()).dump(), ": ");
    text += json_text(item.value());
  }
  return text + (value.is_array() ? ']' : '}');
}

}  // namespace pst::datafiles
