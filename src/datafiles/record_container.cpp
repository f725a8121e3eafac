// SPDX-License-Identifier: Apache-2.0
#include "datafiles/record_container.hpp"

#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::datafiles {

extern const Container kWebDataset, kYaml, kText, kCsv, kTsv, kJson;

std::span<const Container* const> containers() {
  static const std::array rows = {&kWebDataset, &kYaml, &kText, &kJson, &kCsv, &kTsv};
  return rows;
}

std::vector<std::string> container_words() {
  std::vector<std::string> words = {"auto"};
  for (const Container* const row : containers()) words.emplace_back(row->word);
  return words;
}

const Container& container_named(const std::string& word) {
  for (const Container* const row : containers())
    if (word == row->word) return *row;
  throw Error(Fault::usage, cat("there is no container ", quoted(word, 60)),
              cat("take one of ", join(container_words(), ", ")));
}

}  // namespace pst::datafiles
