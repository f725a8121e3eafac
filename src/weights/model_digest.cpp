// SPDX-License-Identifier: Apache-2.0
#include "weights/model_digest.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "weights/vocabulary_files.hpp"

namespace pst::weights {

std::string model_digest(const fs::path& model_dir) {
  std::vector<std::string> names = vocabulary_files(model_dir);
  names.push_back("config.json");
  std::error_code status;
  for (fs::directory_iterator at(model_dir, status), end; !status && at != end; at.increment(status))
    if (at->path().extension() == ".safetensors") names.push_back(at->path().filename().string());
  if (status) throw Error(Fault::data, cat("cannot list ", model_dir.string(), ": ", status.message()));
  std::sort(names.begin(), names.end());

  Digester digester;
  for (const auto& name : names) {
    digester.add_field(name);
    digester.add_field(digest_of_file(model_dir / name));
  }
  return digester.hex();
}

}  // namespace pst::weights
