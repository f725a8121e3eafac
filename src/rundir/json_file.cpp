// SPDX-License-Identifier: Apache-2.0
#include "rundir/json_file.hpp"

#include <limits>

#include "core/file.hpp"

namespace pst::rundir {

json::Document read_json(const std::filesystem::path& path) {
  return {path, 1 << 20, "the file was damaged or edited by hand: restore it from a copy, or start a new run"};
}

double real_or_nan(const json::Object& object, const char* key) {
  const bool is_null = object.has(key) && !object.find(key);
  return is_null ? std::numeric_limits<double>::quiet_NaN() : object.at(key).real();
}

void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& object) {
  write_durably(path, object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace pst::rundir
