// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace pst::console {

enum class Marks { blocks, ascii };
/// Blocks where the locale is UTF-8.
Marks marks_of_locale();

/// At most `width` columns, the least value lowest. Values that do not fit are averaged.
std::string sparkline(const std::vector<double>& values, std::size_t width, Marks marks);

/// "[#####.....]", `width` columns in all. @param share  from 0 to 1
std::string bar(double share, std::size_t width, Marks marks);

/// Columns of a text, taking every character for one.
std::size_t columns(const std::string& utf8);
/// The first `width` columns of it.
std::string cut(const std::string& utf8, std::size_t width);

}  // namespace pst::console
