// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <streambuf>

#include "core/printable.hpp"

namespace pst {

/// The first thing in main(), for as long as the program runs: what is printed through std::cout, std::cerr and
/// std::clog is printable, and the descriptors 0, 1 and 2 are taken.
class StandardStreams {
 public:
  StandardStreams();
  ~StandardStreams();
  StandardStreams(const StandardStreams&) = delete;
  StandardStreams& operator=(const StandardStreams&) = delete;

 private:
  std::streambuf *const out_, *const err_;
  PrintableBuffer printable_out_, printable_err_;
};

}  // namespace pst
