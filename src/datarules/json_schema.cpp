// SPDX-License-Identifier: Apache-2.0
#include "datarules/json_schema.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "datafiles/record_json.hpp"

namespace pst::datarules {

using nlohmann::ordered_json;

namespace {

bool is_of_type(const ordered_json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return datafiles::kind_of(value) == "number";
  if (type == "integer")  // 2.0 is one
    return value.is_number_float() ? std::nearbyint(value.get<double>()) == value.get<double>()
                                   : datafiles::kind_of(value) == "number";
  return true;  // a type of somebody's own
}

std::optional<std::string> type_flaw(const ordered_json& type, const ordered_json& value, const std::string& name) {
  std::vector<std::string> types;
  if (type.is_string()) types.push_back(type.get<std::string>());
  if (type.is_array())
    for (const auto& one : type)
      if (one.is_string()) types.push_back(one.get<std::string>());
  if (types.empty()) return std::nullopt;
  if (std::any_of(types.begin(), types.end(), [&](const auto& one) { return is_of_type(value, one); }))
    return std::nullopt;
  return cat(quoted(name, 60), " is a JSON ", datafiles::kind_of(value), "; it must be: ", join(types, ", "));
}

std::optional<std::string> object_flaw(const ordered_json& schema, const ordered_json& value, const std::string& name,
                                       int depth) {
  const auto required = schema.find("required");
  if (required != schema.end() && required->is_array())
    for (const auto& key : *required)
      if (key.is_string() && !value.contains(key.get_ref<const std::string&>()))
        return cat(quoted(name, 60), " has no ", quoted(key.get_ref<const std::string&>(), 60));
  const auto properties = schema.find("properties");
  const bool has_properties = properties != schema.end() && properties->is_object();
  const auto more = schema.find("additionalProperties");
  const bool is_closed = more != schema.end() && *more == false && !schema.contains("patternProperties");
  for (const auto& item : value.items()) {
    const bool is_known = has_properties && properties->contains(item.key());
    if (!is_known && is_closed) return cat(quoted(name, 60), " has the unknown key ", quoted(item.key(), 60));
    if (is_known)
      if (auto flaw = schema_flaw((*properties)[item.key()], item.value(), item.key(), depth + 1)) return flaw;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> schema_flaw(const ordered_json& schema, const ordered_json& value, const std::string& name,
                                       int depth) {
  constexpr int kDeepest = 16;
  if (!schema.is_object() || depth > kDeepest) return std::nullopt;
  const auto find = [&](const char* key) { return schema.find(key); };
  if (const auto type = find("type"); type != schema.end())
    if (auto flaw = type_flaw(*type, value, name)) return flaw;
  if (const auto one_of = find("enum"); one_of != schema.end() && one_of->is_array())
    if (std::find(one_of->begin(), one_of->end(), value) == one_of->end())
      return cat(quoted(name, 60), " is none of what `enum` names");
  if (const auto same = find("const"); same != schema.end() && *same != value)
    return cat(quoted(name, 60), " is not what `const` says");
  if (value.is_number()) {
    const double number_ = value.get<double>();
    if (const auto least = find("minimum");
        least != schema.end() && least->is_number() && number_ < least->get<double>())
      return cat(quoted(name, 60), " is below the `minimum`");
    if (const auto most = find("maximum"); most != schema.end() && most->is_number() && number_ > most->get<double>())
      return cat(quoted(name, 60), " is above the `maximum`");
  }
  if (value.is_object()) return object_flaw(schema, value, name, depth);
  if (value.is_array())
    if (const auto items = find("items"); items != schema.end())
      for (const auto& item : value)
        if (auto flaw = schema_flaw(*items, item, name, depth + 1)) return flaw;
  return std::nullopt;
}

}  // namespace pst::datarules
