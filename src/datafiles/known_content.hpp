// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace pst::datafiles {

/// What a file is that holds no records, though it stands where data are expected.
struct KnownContent {
  std::string what;  ///< "is an HTML page"; empty where nothing is recognised
  std::string remedy;
};

/// By the first bytes (of what a compressed file holds).
KnownContent known_content(std::string_view front);

}  // namespace pst::datafiles
