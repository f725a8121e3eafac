// SPDX-License-Identifier: Apache-2.0
#include "weights/index.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "weights/header.hpp"
#include "weights/json.hpp"

namespace pst::weights {
namespace {

bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name.front() != '.' && name.find_first_of("/\\") == name.npos &&
         name.find("..") == name.npos && !find_control(name);
}

}  // namespace

std::map<std::string, std::string> read_weight_map(const fs::path& index) {
  const std::string name = index.string();
  const auto json = parse_json(read_file(index, kMaxHeaderBytes), name);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object() ||
      json["weight_map"].empty())
    throw Error(Fault::data, cat(name, ": no 'weight_map' object with the file of every tensor"),
                "download the index again, or name a .safetensors file");
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : json["weight_map"].items()) {
    if (!file.is_string() || !is_plain_file_name(file.get_ref<const std::string&>()) ||
        !ends_with(file.get_ref<const std::string&>(), ".safetensors"))
      throw Error(
          Fault::data,
          cat(name, ": weight_map names ", quoted(file.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)),
              " for tensor ", quoted(tensor)),
          "it must be the plain name of a .safetensors file in the same folder");
    files[tensor] = file.get<std::string>();
  }
  return files;
}

}  // namespace pst::weights
