// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "jinja/library.hpp"

namespace pst::jinja {

using Filter = Value (*)(Budget&, const Value&, const Given&);

/// A filter, and what templates call it.
struct NamedFilter {
  std::string_view name;
  Filter run;
};

std::span<const NamedFilter> text_filters();
std::span<const NamedFilter> number_filters();
std::span<const NamedFilter> layout_filters();  ///< of texts in lines and columns
std::span<const NamedFilter> markup_filters();  ///< what has to do with HTML and addresses
std::span<const NamedFilter> list_filters();    ///< those of dicts included
std::span<const NamedFilter> choice_filters();  ///< map, select and the like, which take a filter or test

/// An argument that has to be an integer. @throws Error(data), naming `what`
std::int64_t integer_argument(const char* what, const Value& value);
/// An argument that is true or false; absent, it is false.
bool flag(const std::optional<Value>& value);
/// Jinja2's attribute argument: a position, or names with dots between them.
Value member(Budget& budget, Value value, const Value& path, const std::optional<Value>& otherwise = std::nullopt);
/// What filters give that are generators in Jinja2.
Value generator(std::vector<Value> items);

}  // namespace pst::jinja
