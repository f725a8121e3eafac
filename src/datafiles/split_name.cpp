// SPDX-License-Identifier: Apache-2.0
#include "datafiles/split_name.hpp"

#include <array>
#include <utility>

#include "core/strings.hpp"

namespace pst::datafiles {

std::string split_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kWords = {{{"train", "train"},
                                                                                     {"training", "train"},
                                                                                     {"validation", "validation"},
                                                                                     {"valid", "validation"},
                                                                                     {"dev", "validation"},
                                                                                     {"val", "validation"},
                                                                                     {"test", "test"},
                                                                                     {"testing", "test"},
                                                                                     {"eval", "test"},
                                                                                     {"evaluation", "test"}}};
  const std::string name = lower(path);
  std::string split;
  for (std::size_t begin = 0; begin < name.size();) {
    std::size_t end = begin;
    while (end < name.size() &&
           ((name[end] >= 'a' && name[end] <= 'z') || static_cast<unsigned char>(name[end]) >= 0x80))
      ++end;
    for (const auto& [word, meaning] : kWords)
      if (std::string_view(name).substr(begin, end - begin) == word) split = meaning;
    begin = end + 1;
  }
  return split;
}

}  // namespace pst::datafiles
