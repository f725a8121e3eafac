// SPDX-License-Identifier: Apache-2.0
#include "weights/json_object.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "weights/json.hpp"

namespace pst::weights {

using nlohmann::json;

void JsonObject::refuse(std::string_view key, const std::string& reason, const std::string& remedy) const {
  throw Error(Fault::data, cat(place_of_key(text_, key, file_), ": '", prefix_, key, "' ", reason), remedy);
}

const json* JsonObject::find(std::string_view key) const {
  const auto at = value_.find(key);
  return at == value_.end() || at->is_null() ? nullptr : &*at;
}

std::optional<std::int64_t> JsonObject::size(std::string_view key, std::int64_t most) const {
  const json* found = find(key);
  if (!found) return std::nullopt;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() == 0 ||
      found->get<std::uint64_t>() > static_cast<std::uint64_t>(most))
    refuse(key, cat("is ", shown(*found), "; it must be a whole number from 1 to ", most));
  return found->get<std::int64_t>();
}

std::int64_t JsonObject::needed_size(std::string_view key, std::int64_t most) const {
  if (const auto value = size(key, most)) return *value;
  throw Error(Fault::data, cat(file_, ": '", prefix_, key, "' is missing"),
              "take the config.json that belongs to the weights");
}

std::optional<double> JsonObject::positive(std::string_view key) const {
  const json* found = find(key);
  if (!found) return std::nullopt;
  if (!found->is_number() || !(found->get<double>() > 0))
    refuse(key, cat("is ", shown(*found), "; it must be a number above 0"));
  return found->get<double>();
}

double JsonObject::needed_positive(std::string_view key) const {
  if (const auto value = positive(key)) return *value;
  throw Error(Fault::data, cat(file_, ": '", prefix_, key, "' is missing"));
}

bool JsonObject::flag(std::string_view key) const {
  const json* found = find(key);
  if (found && !found->is_boolean()) refuse(key, cat("is ", shown(*found), "; it must be true or false"));
  return found && found->get<bool>();
}

std::optional<std::string> JsonObject::text(std::string_view key) const {
  const json* found = find(key);
  if (!found) return std::nullopt;
  if (!found->is_string()) refuse(key, cat("is ", shown(*found), "; it must be a string"));
  return found->get<std::string>();
}

JsonObject JsonObject::inner(std::string_view key) const {
  const json* found = find(key);
  PST_ASSERT(found != nullptr, "inner() follows a successful find()");
  if (!found->is_object()) refuse(key, cat("is ", shown(*found), "; it must be an object"));
  return {*found, text_, file_, cat(prefix_, key, ".")};
}

std::string JsonObject::shown(const json& value) {
  return quoted(value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace), 60);
}

json parse_json_object(std::string_view text, const std::string& name) {
  json value = parse_json(text, name);
  if (!value.is_object()) throw Error(Fault::data, cat(name, ": the file does not hold a JSON object"));
  return value;
}

}  // namespace pst::weights
