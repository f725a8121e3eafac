// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pst::datarules {

/// What is still open where an answer stops without an end mark: "a ``` fence", "a bracket", "a JSON value". Nothing
/// where the answer seems whole.
std::optional<std::string> open_at_end(std::string_view answer);

/// Words that repeat: the same `length` words, `times` times in a row, from word `first` on.
struct Loop {
  std::size_t first = 0, length = 0, times = 0;
};
/// The first loop of 1 to 32 words with at least `least` rounds.
std::optional<Loop> find_loop(const std::vector<std::string_view>& words, std::size_t least);

bool is_refusal(std::string_view answer);                           ///< "I'm sorry, but I can't ...", in English
std::optional<std::size_t> find_as_an_ai(std::string_view answer);  ///< where it says that it is a model, in English

}  // namespace pst::datarules
