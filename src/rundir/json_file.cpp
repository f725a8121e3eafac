// SPDX-License-Identifier: Apache-2.0
#include "rundir/json_file.hpp"

#include <limits>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst::rundir {

using nlohmann::ordered_json;

namespace {
constexpr const char* kDamaged = "the file was damaged or edited by hand: restore it from a copy, or start a new run";
}  // namespace

JsonFile::JsonFile(const std::filesystem::path& path) : path_(path) {
  const std::string text = read_file(path, 1 << 20);
  object_ = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object_.is_object()) throw Error(Fault::data, cat(path.string(), " is not a JSON object"), kDamaged);
}

void JsonFile::refuse(const char* key, const char* expected) const {
  throw Error(Fault::data, cat(path_.string(), ": '", key, "' is missing or not ", expected), kDamaged);
}

const ordered_json& JsonFile::at(const char* key, const char* expected) const {
  const auto found = object_.find(key);
  if (found == object_.end()) refuse(key, expected);
  return *found;
}

std::string JsonFile::text(const char* key) const {
  const auto& value = at(key, "a text");
  if (!value.is_string()) refuse(key, "a text");
  return value.get<std::string>();
}

std::string JsonFile::optional_text(const char* key) const { return object_.contains(key) ? text(key) : std::string(); }

std::int64_t JsonFile::integer(const char* key) const {
  const auto& value = at(key, "a whole number");
  if (!value.is_number_integer()) refuse(key, "a whole number");
  return value.get<std::int64_t>();
}

double JsonFile::real(const char* key) const {
  const auto& value = at(key, "a number");
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!value.is_number()) refuse(key, "a number");
  return value.get<double>();
}

std::optional<double> JsonFile::optional_real(const char* key) const {
  const auto found = object_.find(key);
  if (found == object_.end() || found->is_null()) return std::nullopt;
  return real(key);
}

void write_json(const std::filesystem::path& path, const ordered_json& object) {
  write_durably(path, object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace pst::rundir
