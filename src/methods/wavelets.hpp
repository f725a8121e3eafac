// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string_view>

namespace pst::methods {

/// An orthogonal wavelet: the low-pass filter with which a signal is made of its coefficients. The sum is sqrt(2).
struct Wavelet {
  std::string_view name;
  std::span<const double> filter;
};

/// Those that PEFT's WaveFT knows. Two of its names are left out: its coif4 is no wavelet (its filter is not orthogonal
/// to itself two places further), and its coif5 has 48 values where PEFT pads for 30, and fails.
std::span<const Wavelet> wavelets();
const Wavelet* find_wavelet(std::string_view name);  ///< nullptr: no such row

}  // namespace pst::methods
