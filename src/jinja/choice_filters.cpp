// SPDX-License-Identifier: Apache-2.0
#include "jinja/filters.hpp"

namespace pst::jinja {
namespace {

Value filter_map(Budget& budget, const Value& value, const Given& given) {
  if (!truth(value)) return generator({});  // Jinja2 does not look at what is false, whatever it is
  std::vector<Value> out;
  if (given.positional.empty()) {
    const auto args = given.bind("map", {"attribute", "default"});
    if (!args[0]) refuse("map needs a filter or an attribute");
    for (const Value& item : items_of(budget, value)) out.push_back(member(budget, item, *args[0], args[1]));
    return generator(std::move(out));
  }
  const auto* name = given.positional[0].text();
  if (!name) refuse("map: the name of the filter must be a text");
  const Given rest{{given.positional.begin() + 1, given.positional.end()}, given.named};
  for (const Value& item : items_of(budget, value)) out.push_back(apply_filter(budget, *name, item, rest));
  return generator(std::move(out));
}

Value choose(Budget& budget, const Value& value, const Given& given, bool wanted, bool by_attribute) {
  if (!truth(value)) return generator({});
  std::vector<Value> out;
  const std::size_t at = by_attribute ? 1 : 0;
  if (given.positional.size() < at) refuse("selectattr and rejectattr need the name of an attribute");
  const std::string* name = given.positional.size() > at ? given.positional[at].text() : nullptr;
  if (given.positional.size() > at && !name) refuse("select or reject: the name of the test must be a text");
  Given rest;
  if (name)
    rest = {{given.positional.begin() + static_cast<std::ptrdiff_t>(at) + 1, given.positional.end()}, given.named};
  for (const Value& item : items_of(budget, value)) {
    const Value looked_at = by_attribute ? member(budget, item, given.positional[0]) : item;
    if ((name ? apply_test(budget, *name, looked_at, rest) : truth(looked_at)) == wanted) out.push_back(item);
  }
  return generator(std::move(out));
}
Value filter_select(Budget& b, const Value& v, const Given& g) { return choose(b, v, g, true, false); }
Value filter_reject(Budget& b, const Value& v, const Given& g) { return choose(b, v, g, false, false); }
Value filter_selectattr(Budget& b, const Value& v, const Given& g) { return choose(b, v, g, true, true); }
Value filter_rejectattr(Budget& b, const Value& v, const Given& g) { return choose(b, v, g, false, true); }

constexpr NamedFilter kChoiceFilters[] = {
    {"map", filter_map},       {"reject", filter_reject},         {"rejectattr", filter_rejectattr},
    {"select", filter_select}, {"selectattr", filter_selectattr},
};

}  // namespace

std::span<const NamedFilter> choice_filters() { return kChoiceFilters; }

}  // namespace pst::jinja
