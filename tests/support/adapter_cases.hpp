// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "config/parse_yaml.hpp"
#include "config/reader.hpp"
#include "core/file.hpp"
#include "methods/adapter.hpp"
#include "source_tree.hpp"

namespace pst::fixture {

/// An adapter section of a recipe, as a file of tests/fixtures/adapters has it: every method with the keys that change
/// what it computes.
struct AdapterCase {
  std::string name;
  methods::Adapter adapter;

  static std::vector<AdapterCase> all() {
    std::vector<AdapterCase> cases;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(PST_SOURCE_DIR) / "tests/fixtures/adapters")) {
      if (entry.path().extension() != ".yaml") continue;
      AdapterCase& made = cases.emplace_back(AdapterCase{entry.path().stem().string(), {}});
      config::Problems problems;
      config::read(config::parse_yaml(read_file(entry.path()), entry.path().string(), problems), made.adapter,
                   problems);
      problems.throw_if_any();
    }
    std::sort(cases.begin(), cases.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return cases;
  }
};
inline void PrintTo(const AdapterCase& of, std::ostream* out) { *out << of.name; }

}  // namespace pst::fixture
