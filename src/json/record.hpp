// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/parse.hpp"

/// Lines that programs append to a file: the last may be torn, and their writer older or newer than we are. What is
/// absent or of another type is nothing. Where every key matters, see json/object.hpp.
namespace pst::json {

/// The object that `line` is, within the limits of parse.hpp; nothing when it is none.
std::optional<Ordered> parse_record(std::string_view line);

std::optional<std::int64_t> integer(const Ordered& record, std::string_view key);
std::optional<double> real(const Ordered& record, std::string_view key);
std::string text_of(const Ordered& record, std::string_view key);                ///< "" when absent
std::vector<std::string> texts_of(const Ordered& record, std::string_view key);  ///< those of a list that are texts
bool is_true(const Ordered& record, std::string_view key);

}  // namespace pst::json
