// SPDX-License-Identifier: Apache-2.0
#include "cli/text_input.hpp"

#include <iostream>
#include <iterator>

#include "core/file.hpp"

namespace pst::cli {

std::string text_input(const std::string& file) {
  if (!file.empty() && file != "-") return read_file(file);
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

}  // namespace pst::cli
