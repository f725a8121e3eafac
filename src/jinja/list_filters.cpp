// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/strings.hpp"
#include "jinja/filters.hpp"
#include "jinja/letter_case.hpp"

namespace pst::jinja {
namespace {

Value without_case(Budget& budget, const Value& key, bool case_sensitive) {
  if (case_sensitive || !key.text()) return key;
  budget.spend_bytes(key.text()->size());
  return jinja::lower(*key.text());
}

/// What values are sorted and told apart by.
Value sort_key(Budget& budget, const Value& value, const std::optional<Value>& attribute, bool case_sensitive,
               const std::optional<Value>& otherwise = std::nullopt) {
  if (!attribute || attribute->is_none()) return without_case(budget, value, case_sensitive);
  return without_case(budget, member(budget, value, *attribute, otherwise), case_sensitive);
}

/// The same by several attributes, with commas between them.
Value sort_keys(Budget& budget, const Value& value, const std::optional<Value>& attributes, bool case_sensitive) {
  if (!attributes || !attributes->text() || attributes->text()->find(',') == std::string::npos)
    return sort_key(budget, value, attributes, case_sensitive);
  budget.spend_bytes(attributes->text()->size());
  std::vector<Value> keys;
  for (const auto& attribute : split(*attributes->text(), ',')) {
    budget.spend(4);
    keys.push_back(sort_key(budget, value, Value(attribute), case_sensitive));
  }
  return Value::list(std::move(keys));
}

Value filter_length(Budget& budget, const Value& value, const Given& given) {
  given.bind("length", {});
  if (value.text()) budget.spend_bytes(value.text()->size());
  return python_length(value);
}
Value filter_list(Budget& budget, const Value& value, const Given& given) {
  given.bind("list", {});
  return Value::list(items_of(budget, value));
}

Value filter_first(Budget& budget, const Value& value, const Given& given) {
  given.bind("first", {});
  if (const auto* held = value.sequence(); held && (*held)->kind == Sequence::Kind::generator) {
    auto& sequence = **held;
    if (sequence.used < sequence.items.size()) return sequence.items[sequence.used++];
    return Value::undefined("No first item, sequence was empty.");
  }
  const auto items = items_of(budget, value);
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

Value filter_last(Budget& budget, const Value& value, const Given& given) {
  given.bind("last", {});
  if (const auto* held = value.sequence(); held && (*held)->kind == Sequence::Kind::generator)
    refuse("'generator' object is not reversible; turn it into a list first");
  const auto items = items_of(budget, value);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value filter_join(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("join", {"d", "attribute"});
  const std::string separator = args[0] ? to_text(budget, *args[0]) : "";
  std::string out;
  bool first = true;
  for (const Value& item : items_of(budget, value)) {
    if (!first) out += separator;
    first = false;
    budget.spend_bytes(separator.size() + 16);
    append_text(budget, out, args[1] && !args[1]->is_none() ? member(budget, item, *args[1]) : item);
  }
  return out;
}

Value filter_reverse(Budget& budget, const Value& value, const Given& given) {
  given.bind("reverse", {});
  auto items = items_of(budget, value);
  std::reverse(items.begin(), items.end());
  if (!value.text()) {
    const auto* held = value.sequence();
    const bool was_generator = held && (*held)->kind == Sequence::Kind::generator;
    return was_generator ? Value::list(std::move(items)) : generator(std::move(items));
  }
  std::string out;
  for (const Value& item : items) out += *item.text();
  return marked_as(value, std::move(out));
}

Value filter_sort(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("sort", {"reverse", "case_sensitive", "attribute"});
  auto walked = items_of(budget, value);
  budget.spend(static_cast<std::int64_t>(walked.size()) * 6);  // pairs, and as many again while they are sorted
  std::vector<std::pair<Value, Value>> keyed;
  keyed.reserve(walked.size());
  for (Value& item : walked) keyed.emplace_back(sort_keys(budget, item, args[2], flag(args[1])), item);
  const bool reverse = flag(args[0]);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    budget.spend(std::min(a.first.weight(), b.first.weight()));
    spend_on_order(budget, a.first, b.first);
    return reverse ? less(b.first, a.first) : less(a.first, b.first);
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return Value::list(std::move(items));
}

Value filter_unique(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("unique", {"case_sensitive", "attribute"});
  std::vector<Value> items;
  Dict seen;
  for (const Value& item : items_of(budget, value)) {
    const Value key = sort_key(budget, item, args[1], flag(args[0]));
    if (key.dict() || (key.sequence() && (*key.sequence())->kind == Sequence::Kind::list))
      refuse(cat("unhashable type: '", key.type_name(), "'"));
    look_for(budget, seen, key);
    if (seen.find(key)) continue;
    seen.set(key, true);
    items.push_back(item);
  }
  return generator(std::move(items));
}

Value extreme(Budget& budget, const char* what, bool largest, const Value& value, const Given& given) {
  const auto args = given.bind(what, {"case_sensitive", "attribute"});
  const auto items = items_of(budget, value);
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  std::size_t best = 0;
  Value best_key = sort_key(budget, items[0], args[1], flag(args[0]));
  for (std::size_t i = 1; i < items.size(); ++i) {
    Value key = sort_key(budget, items[i], args[1], flag(args[0]));
    budget.spend(std::min(key.weight(), best_key.weight()));
    spend_on_order(budget, key, best_key);
    if (!(largest ? less(best_key, key) : less(key, best_key))) continue;
    best = i;
    best_key = std::move(key);
  }
  return items[best];
}
Value filter_min(Budget& budget, const Value& value, const Given& given) {
  return extreme(budget, "min", false, value, given);
}
Value filter_max(Budget& budget, const Value& value, const Given& given) {
  return extreme(budget, "max", true, value, given);
}

Value filter_sum(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("sum", {"attribute", "start"});
  Value total = args[1].value_or(Value(0));
  if (total.text()) refuse("sum cannot add texts; use join");
  for (const Value& item : items_of(budget, value))
    total = arithmetic(budget, Operation::add, total,
                       args[0] && !args[0]->is_none() ? member(budget, item, *args[0]) : item);
  return total;
}

Value filter_batch(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("batch", {"linecount", "fill_with"});
  const std::int64_t size = args[0] ? integer_argument("batch: linecount", *args[0]) : 0;
  if (size < 1 || size > 1'000'000) refuse("batch: linecount must be 1 to 1000000");
  std::vector<Value> rows, row;
  for (const Value& item : items_of(budget, value)) {
    if (static_cast<std::int64_t>(row.size()) == size) rows.push_back(Value::list(std::exchange(row, {})));
    row.push_back(item);
  }
  if (!row.empty()) {
    budget.spend(size);
    if (args[1] && !args[1]->is_none()) row.resize(static_cast<std::size_t>(size), *args[1]);
    rows.push_back(Value::list(std::move(row)));
  }
  return generator(std::move(rows));
}

Value filter_slice(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("slice", {"slices", "fill_with"});
  const std::int64_t slices = args[0] ? integer_argument("slice: slices", *args[0]) : 0;
  if (slices == 0) refuse("slice: slices must not be 0");
  const auto items = items_of(budget, value);
  if (slices > 0) budget.spend(slices > 10'000'000 ? slices : slices * 4 + static_cast<std::int64_t>(items.size()));
  std::vector<Value> rows;
  auto next = items.begin();
  for (std::int64_t i = 0; i < slices; ++i) {
    const auto size = static_cast<std::int64_t>(items.size());
    const bool has_one_more = i < size % slices;
    const auto end = next + static_cast<std::ptrdiff_t>(size / slices + (has_one_more ? 1 : 0));
    std::vector<Value> row(next, end);
    next = end;
    if (args[1] && !args[1]->is_none() && !has_one_more) row.push_back(*args[1]);
    rows.push_back(Value::list(std::move(row)));
  }
  return generator(std::move(rows));
}

Value filter_groupby(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("groupby", {"attribute", "default", "case_sensitive"});
  if (!args[0]) refuse("groupby needs an attribute");
  const bool case_sensitive = flag(args[2]);
  std::vector<std::pair<Value, Value>> keyed;
  auto walked = items_of(budget, value);
  budget.spend(static_cast<std::int64_t>(walked.size()) * 6);
  keyed.reserve(walked.size());
  for (Value& item : walked) keyed.emplace_back(sort_key(budget, item, args[0], case_sensitive, args[1]), item);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    spend_on_order(budget, a.first, b.first);
    budget.spend(std::min(a.first.weight(), b.first.weight()));
    return less(a.first, b.first);
  });
  std::vector<Value> groups;
  for (std::size_t begin = 0, end = 0; begin < keyed.size(); begin = end) {
    std::vector<Value> items;
    for (; end < keyed.size(); ++end) {
      budget.spend(std::min(keyed[begin].first.weight(), keyed[end].first.weight()));
      if (!equal(keyed[begin].first, keyed[end].first)) break;
      items.push_back(keyed[end].second);
    }
    budget.spend(8);
    const Value key = sort_key(budget, items.front(), args[0], /*case_sensitive=*/true, args[1]);
    const Value group = Value::sequence(Sequence::Kind::tuple, {key, Value::list(std::move(items))});
    (*group.sequence())->is_group = true;
    groups.push_back(group);
  }
  return Value::list(std::move(groups));
}

// ---- dicts

Value filter_items(Budget& budget, const Value& value, const Given& given) {
  given.bind("items", {});
  if (value.is_undefined()) return generator({});
  if (!value.dict()) refuse("Can only get item pairs from a mapping.");
  const Value view = call_method(budget, value, "items", {});
  return generator((*view.sequence())->items);
}

Value filter_dictsort(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("dictsort", {"case_sensitive", "by", "reverse"});
  const std::string by = args[1] && args[1]->text() ? *args[1]->text() : "key";
  if (by != "key" && by != "value") refuse("dictsort: 'by' must be \"key\" or \"value\"");
  if (value.is_undefined()) refuse_undefined(value);
  if (!value.dict()) refuse(cat("dictsort needs a dict, not ", value.type_name()));
  Given sorting;
  sorting.named = {{"reverse", flag(args[2])}, {"case_sensitive", flag(args[0])}, {"attribute", by == "key" ? 0 : 1}};
  return filter_sort(budget, call_method(budget, value, "items", {}), sorting);
}

constexpr NamedFilter kListFilters[] = {
    {"batch", filter_batch},     {"count", filter_length}, {"dictsort", filter_dictsort}, {"first", filter_first},
    {"groupby", filter_groupby}, {"items", filter_items},  {"join", filter_join},         {"last", filter_last},
    {"length", filter_length},   {"list", filter_list},    {"max", filter_max},           {"min", filter_min},
    {"reverse", filter_reverse}, {"slice", filter_slice},  {"sort", filter_sort},         {"sum", filter_sum},
    {"unique", filter_unique},
};

}  // namespace

std::span<const NamedFilter> list_filters() { return kListFilters; }

}  // namespace pst::jinja
