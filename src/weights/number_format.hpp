// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pst::weights {

/// How the frozen matrices of decoder layers are kept, in a model's folder and in memory: as numbers (`none`), or as
/// codes with scales.
enum class NumberFormat { none, nf4, int8, fp8 };

struct StoredLayout;

/// What a format is called and how folders hold it. Two more tables have a row for each format that is not `none`: how
/// its codes are made (lowbit/codec.hpp), and how they are multiplied (quant/format.cpp).
struct NumberFormatRow {
  NumberFormat format;
  const char* name;            ///< as users write it: nf4
  const char* shown;           ///< as they read it: NF4
  const char* help;            ///< "4 bits a value in blocks of 64 (QLoRA)"
  const StoredLayout* stored;  ///< null for numbers
};

/// A row for each format, in the order of the enum.
std::span<const NumberFormatRow> number_formats();
/// The same without `none`.
std::span<const NumberFormatRow> quantised_formats();

const NumberFormatRow& row_of(NumberFormat format);
inline const char* name_of(NumberFormat format) { return row_of(format).name; }
/// @throws Error(usage) naming the formats, when there is none of that name
NumberFormat number_format_of(const std::string& name);

/// For recipes: every name and its value.
std::vector<std::pair<const char*, NumberFormat>> words_of(NumberFormat);

}  // namespace pst::weights
