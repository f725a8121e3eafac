// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace pst::datafiles {

/// The split that a file's path tells: "train", "validation", "test"; empty where it tells none. A word counts that
/// stands alone between the start, the end and . _ - / space or digits, as the Hugging Face hub reads names; of several
/// the last one.
std::string split_of(std::string_view path);

}  // namespace pst::datafiles
