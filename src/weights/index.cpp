// SPDX-License-Identifier: Apache-2.0
#include "weights/index.hpp"

#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "json/object.hpp"
#include "weights/header.hpp"

namespace pst::weights {
namespace {

bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name.front() != '.' && name.find_first_of("/\\") == name.npos &&
         name.find("..") == name.npos && !find_control(name);
}

}  // namespace

std::map<std::string, std::string> read_weight_map(const std::filesystem::path& index) {
  const json::Document document(index, kMaxHeaderBytes, "download the index again, or name a .safetensors file");
  const json::Node root = document.root();
  const auto map = root.is_object() ? root.object().get("weight_map") : std::nullopt;
  if (!map || !map->is_object() || map->value().empty())
    root.refuse("has no 'weight_map' object with the file of every tensor");
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : map->object().members()) {
    if (!file.is_text() || !is_plain_file_name(file.text()) || !file.text().ends_with(".safetensors"))
      file.refuse(cat("is ", json::shown(file.value()),
                      "; it must be the plain name of a .safetensors file in the same folder"));
    files[tensor] = file.text();
  }
  return files;
}

}  // namespace pst::weights
