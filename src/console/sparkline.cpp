// SPDX-License-Identifier: Apache-2.0
#include "console/sparkline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "core/strings.hpp"

namespace pst::console {
namespace {

constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<const char*, 8> kAscii = {"_", ".", "-", "~", "=", "+", "*", "#"};

bool begins_a_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

/// `values` as `width` means of neighbours.
std::vector<double> squeezed(const std::vector<double>& values, std::size_t width) {
  if (values.size() <= width) return values;
  std::vector<double> out;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t begin = i * values.size() / width, end = (i + 1) * values.size() / width;
    out.push_back(std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                  values.begin() + static_cast<std::ptrdiff_t>(end), 0.0) /
                  static_cast<double>(end - begin));
  }
  return out;
}

}  // namespace

Marks marks_of_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* const value = std::getenv(name); value && *value) {
      const std::string small = lower(value);
      return small.find("utf-8") != std::string::npos || small.find("utf8") != std::string::npos ? Marks::blocks
                                                                                                 : Marks::ascii;
    }
  return Marks::ascii;
}

std::string sparkline(const std::vector<double>& values, std::size_t width, Marks marks) {
  if (values.empty() || width == 0) return {};
  const auto points = squeezed(values, width);
  const auto [least, most] = std::minmax_element(points.begin(), points.end());
  const auto& levels = marks == Marks::blocks ? kBlocks : kAscii;
  const double range = *most - *least;
  std::string out;
  for (const double value : points) {
    const double share = range > 0 ? (value - *least) / range : 0;
    out += levels[std::min(levels.size() - 1, static_cast<std::size_t>(share * static_cast<double>(levels.size())))];
  }
  return out;
}

std::string bar(double share, std::size_t width, Marks marks) {
  if (width < 3) return {};
  const double clamped = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0;
  const auto full = static_cast<std::size_t>(std::floor(clamped * static_cast<double>(width - 2)));
  std::string out = "[";
  for (std::size_t i = 0; i < width - 2; ++i) out += i < full ? (marks == Marks::blocks ? "█" : "#") : ".";
  return out + "]";
}

std::size_t columns(const std::string& utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), begins_a_character));
}

std::string cut(const std::string& utf8, std::size_t width) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i)
    if (begins_a_character(utf8[i]) && seen++ == width) return utf8.substr(0, i);
  return utf8;
}

}  // namespace pst::console
