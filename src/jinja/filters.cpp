// SPDX-License-Identifier: Apache-2.0
#include "jinja/filters.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::jinja {
namespace {

Value filter_default(Budget&, const Value& value, const Given& given) {
  const auto args = given.bind("default", {"default_value", "boolean"});
  if (value.is_undefined() || (flag(args[1]) && !truth(value))) return args[0].value_or(Value(""));
  return value;
}

/// x.name, without looking for x['name'].
Value filter_attr(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("attr", {"name"});
  const std::string name = to_text(budget, args[0].value_or(Value()));
  const bool is_dict_without =
      value.dict() && !has_method(value, name) && !is_forbidden(value, name) && !is_unsupported_method(value, name);
  if (is_dict_without) return Value::undefined(cat("'dict object' has no attribute '", brief(name), "'"));
  return attribute_of(budget, value, name);
}

constexpr NamedFilter kGeneralFilters[] = {
    {"attr", filter_attr},
    {"d", filter_default},
    {"default", filter_default},
};

Filter find_filter(std::string_view name) {
  for (const auto filters : {std::span<const NamedFilter>(kGeneralFilters), text_filters(), number_filters(),
                             list_filters(), choice_filters(), layout_filters(), markup_filters()}) {
    const auto found =
        std::find_if(filters.begin(), filters.end(), [&](const auto& entry) { return entry.name == name; });
    if (found != filters.end()) return found->run;
  }
  return nullptr;
}

}  // namespace

std::int64_t integer_argument(const char* what, const Value& value) {
  std::int64_t out = 0;
  if (!value.to_integer(out)) refuse(cat(what, " must be an integer, not ", value.type_name()));
  return out;
}

bool flag(const std::optional<Value>& value) { return value && truth(*value); }

Value member(Budget& budget, Value value, const Value& path, const std::optional<Value>& otherwise) {
  if (!path.text()) return item_of(budget, value, path);
  budget.look_at(path.text()->size());
  for (const auto& part : split(*path.text(), '.')) {
    budget.spend(1);
    const auto position = to_int(part);
    value = item_of(budget, value, position && part[0] != '-' ? Value(*position) : Value(part));
    if (value.is_undefined() && otherwise) value = *otherwise;
  }
  return value;
}

Value generator(std::vector<Value> items) { return Value::sequence(Sequence::Kind::generator, std::move(items)); }

bool known_filter(std::string_view name) { return find_filter(name) != nullptr; }

Value apply_filter(Budget& budget, const std::string& name, const Value& value, const Given& given) {
  budget.spend(1);
  if (const auto* text = value.text()) budget.spend_bytes(text->size());
  const Filter filter = find_filter(name);
  if (!filter) refuse(cat("the filter '", brief(name), "' is not supported"));
  return filter(budget, value, given);
}

}  // namespace pst::jinja
