// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/json_reader.hpp"

#include "checkpoint/tensors.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {

using nlohmann::json;

JsonReader::JsonReader(const json& object, std::string name) : object_(object), name_(std::move(name)) {
  if (!object.is_object()) throw Error(Fault::data, cat(name_, ": a JSON object is expected here"));
}

void JsonReader::refuse(const char* key, const std::string& expected) const {
  throw Error(Fault::data, cat(name_, ": '", key, "' is missing or not ", expected));
}

const json& JsonReader::at(const char* key) const {
  const auto found = object_.find(key);
  if (found == object_.end()) refuse(key, "there");
  return *found;
}

std::string JsonReader::text(const char* key) const {
  const json& value = at(key);
  if (!value.is_string()) refuse(key, "a text");
  return value.get<std::string>();
}

bool JsonReader::boolean(const char* key) const {
  const json& value = at(key);
  if (!value.is_boolean()) refuse(key, "true or false");
  return value.get<bool>();
}

std::int64_t JsonReader::integer(const char* key, std::int64_t least, std::int64_t most) const {
  const json& value = at(key);
  const auto outside = [&] { refuse(key, cat("a whole number from ", least, " to ", most)); };
  if (!value.is_number_integer()) outside();
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(most)) outside();
  if (value.get<std::int64_t>() < least || value.get<std::int64_t>() > most) outside();
  return value.get<std::int64_t>();
}

std::optional<double> JsonReader::optional_real(const char* key) const {
  const auto found = object_.find(key);
  if (found == object_.end() || found->is_null()) return std::nullopt;
  if (!found->is_number()) refuse(key, "a number");
  return found->get<double>();
}

const json& JsonReader::list(const char* key) const {
  const json& value = at(key);
  if (!value.is_array()) refuse(key, "a list");
  return value;
}

const json& JsonReader::object(const char* key) const {
  const json& value = at(key);
  if (!value.is_object()) refuse(key, "an object");
  return value;
}

std::vector<std::int64_t> JsonReader::shape(const char* key) const {
  std::vector<std::int64_t> sizes;
  for (const auto& size : list(key)) {
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > 1ull << 62) refuse(key, "a shape");
    sizes.push_back(static_cast<std::int64_t>(size.get<std::uint64_t>()));
  }
  if (!is_sane_shape(sizes)) refuse(key, "a possible shape");
  return sizes;
}

}  // namespace pst::checkpoint
