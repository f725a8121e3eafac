// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "config/fields.hpp"

namespace pst::config {

/// One of several kinds of a thing: a table with a row for each. A kind is a struct with a `bind` for the keys that it
/// alone has, and with `static constexpr const char* kName`, the word that chooses it:
///
///     field("name", &s.rule, "Algorithm.");
///     bind_chosen(field, s.rule);
///
/// So a key of a kind that was not chosen is an unknown key.
template <class... Kinds>
using OneOf = std::variant<Kinds...>;

template <class... Kinds>
inline constexpr bool is_container<std::variant<Kinds...>> = true;

template <class... Kinds>
struct YamlValue<std::variant<Kinds...>> {
  using Value = std::variant<Kinds...>;

  static std::vector<std::string> words() { return {Kinds::kName...}; }
  static std::string type() {
    std::string all;
    for (const auto& word : words()) all += (all.empty() ? "`" : ", `") + word + "`";
    return all;
  }
  static bool read(const Node& node, Value& value, const Reading& reading) {
    std::size_t chosen = 0;
    if (!read_word(node, chosen, words(), reading)) return false;
    std::size_t index = 0;
    ((index++ == chosen ? void(value = Kinds{}) : void()), ...);
    return true;
  }
  static Node write(const Value& value) { return Node::scalar(words()[value.index()]); }
};

/// The keys of the kind that `value` is.
template <class... Kinds>
void bind_chosen(Fields& field, std::variant<Kinds...>& value) {
  std::visit([&](auto& kind) { bind(field, kind); }, value);
}

/// Makes `value` each kind in turn, with its defaults, and calls visit(name).
template <class... Kinds, class Visit>
void for_each_kind(std::variant<Kinds...>& value, const Visit& visit) {
  ((value = Kinds{}, visit(std::string(Kinds::kName))), ...);
}

}  // namespace pst::config
