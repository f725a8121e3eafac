// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

#include "core/file.hpp"
#include "site/find_profile.hpp"
#include "site/load_profile.hpp"
#include "source_tree.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::site::fixture {

inline const fs::path kShipped = fs::path(PST_SOURCE_DIR) / "configs/sites";

/// Folders of profiles that a test writes.
class Profiles {
 public:
  fs::path write(const std::string& folder, const std::string& name, const std::string& yaml) const {
    make_directories(dir_ / folder);
    write_durably(dir_ / folder / (name + ".yaml"), yaml);
    return dir_ / folder / (name + ".yaml");
  }
  fs::path folder(const std::string& name) const { return dir_ / name; }

 private:
  pst::fixture::TemporaryDirectory dir_;
};

inline Host host(const std::string& name, std::map<std::string, std::string> variables = {}) {
  return {.name = name, .variable = [variables](const std::string& variable) -> std::optional<std::string> {
            const auto found = variables.find(variable);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
          }};
}

/// What reading the text complains about; empty when it does not.
inline std::string complaint(const std::string& yaml) {
  try {
    parse(yaml, "s.yaml");
    return {};
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace pst::site::fixture
