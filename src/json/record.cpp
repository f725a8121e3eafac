// SPDX-License-Identifier: Apache-2.0
#include "json/record.hpp"

#include <nlohmann/json.hpp>

namespace pst::json {
namespace {

constexpr Limits kLimits{.members = 4096, .bytes = 16u << 20};

const Ordered* find(const Ordered& record, std::string_view key) {
  const auto found = record.find(key);
  return found == record.end() ? nullptr : &*found;
}

}  // namespace

std::optional<Ordered> parse_record(std::string_view line) {
  Ordered record;
  if (read(line, record, kLimits) || !record.is_object()) return std::nullopt;
  return record;
}

std::optional<std::int64_t> integer(const Ordered& record, std::string_view key) {
  const Ordered* const value = find(record, key);
  return value && value->is_number_integer() ? std::optional(value->get<std::int64_t>()) : std::nullopt;
}

std::optional<double> real(const Ordered& record, std::string_view key) {
  const Ordered* const value = find(record, key);
  return value && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
}

std::string text_of(const Ordered& record, std::string_view key) {
  const Ordered* const value = find(record, key);
  return value && value->is_string() ? value->get<std::string>() : std::string();
}

std::vector<std::string> texts_of(const Ordered& record, std::string_view key) {
  std::vector<std::string> texts;
  if (const Ordered* const list = find(record, key); list && list->is_array())
    for (const auto& text : *list)
      if (text.is_string()) texts.push_back(text.get<std::string>());
  return texts;
}

bool is_true(const Ordered& record, std::string_view key) {
  const Ordered* const value = find(record, key);
  return value && value->is_boolean() && value->get<bool>();
}

}  // namespace pst::json
