// SPDX-License-Identifier: Apache-2.0
#include "weights/number_format.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "weights/stored_layout.hpp"

namespace pst::weights {
namespace {

constexpr std::array<NumberFormatRow, 4> kRows = {{
    {NumberFormat::none, "none", "numbers", "the numbers as they are", nullptr},
    {NumberFormat::nf4, "nf4", "NF4", "4 bits a value in blocks of 64 (QLoRA)", &kBitsandbytesNf4},
    {NumberFormat::int8, "int8", "INT8", "8 bits with a scale per row (LLM.int8())", &kBitsandbytesInt8},
    {NumberFormat::fp8, "fp8", "FP8", "8-bit floats (E4M3) with a scale per row", &kScaledFp8},
}};

}  // namespace

std::span<const NumberFormatRow> number_formats() { return kRows; }
std::span<const NumberFormatRow> quantised_formats() { return number_formats().subspan(1); }

const NumberFormatRow& row_of(NumberFormat format) { return kRows.at(static_cast<std::size_t>(format)); }

NumberFormat number_format_of(const std::string& name) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const auto& known) { return name == known.name; });
  if (row != kRows.end()) return row->format;
  std::vector<std::string> names;
  for (const auto& known : kRows) names.emplace_back(known.name);
  throw Error(Fault::usage, cat("there is no number format ", quoted(name), "; known are ", join(names, ", ")));
}

std::vector<std::pair<const char*, NumberFormat>> words_of(NumberFormat) {
  std::vector<std::pair<const char*, NumberFormat>> words;
  for (const auto& row : kRows) words.emplace_back(row.name, row.format);
  return words;
}

}  // namespace pst::weights
