// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ostream>
#include <string>
#include <vector>

namespace pst::console {

/// Columns as wide as their widest cell, two blanks apart. A cell is one line, whatever it holds (core/printable.hpp).
/// @param rows the first is the heading
void print_table(std::ostream& out, std::vector<std::vector<std::string>> rows);

}  // namespace pst::console
