// SPDX-License-Identifier: Apache-2.0
#include "jinja/value.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"

namespace pst::jinja {

namespace {
void check_extent(int depth, std::int64_t weight) {
  if (depth > kDeepest) throw Error(Fault::data, cat("lists or dicts are nested more than ", kDeepest, " deep"));
  if (weight > kHeaviest) throw Error(Fault::data, "a list or dict has grown beyond all measure");
}
}  // namespace

std::size_t Dict::index_of(const Value& key) const {
  if (const auto* name = key.text()) {
    const auto found = by_name_.find(*name);
    return found == by_name_.end() ? items_.size() : found->second;
  }
  if (other_keys_ == 0) return items_.size();
  const auto same = [&](const auto& item) { return !item.first.text() && equal(item.first, key); };
  return static_cast<std::size_t>(std::find_if(items_.begin(), items_.end(), same) - items_.begin());
}

const Value* Dict::find(const Value& key) const {
  const std::size_t at = index_of(key);
  return at < items_.size() ? &items_[at].second : nullptr;
}

void Dict::set(Value key, Value value) {
  depth = std::max({depth, 1 + value.depth(), 1 + key.depth()});
  weight += key.weight() + value.weight();
  if (!key.text()) weight += other_keys_ * key.weight();  // looked up, it is compared with each of them
  check_extent(depth, weight);
  if (const std::size_t at = index_of(key); at < items_.size()) {
    items_[at].second = std::move(value);
    return;
  }
  if (const auto* name = key.text())
    by_name_.emplace(*name, items_.size());  // the view stays: a key's text is shared and never changes
  else
    ++other_keys_;
  items_.emplace_back(std::move(key), std::move(value));
}

std::size_t Names::index_of(std::string_view name) const {
  if (index_) {
    const auto found = index_->find(name);
    return found == index_->end() ? items_.size() : found->second;
  }
  const auto same = [&](const auto& item) { return item.first == name; };
  return static_cast<std::size_t>(std::find_if(items_.begin(), items_.end(), same) - items_.begin());
}

const Value* Names::find(std::string_view name) const {
  const std::size_t at = index_of(name);
  return at < items_.size() ? &items_[at].second : nullptr;
}

void Names::set(std::string_view name, Value value) {
  if (const std::size_t at = index_of(name); at < items_.size()) {
    items_[at].second = std::move(value);
    return;
  }
  items_.emplace_back(name, std::move(value));
  if (index_) {
    index_->emplace(name, items_.size() - 1);
  } else if (items_.size() > kFew) {
    index_ = std::make_unique<Index>();
    for (std::size_t i = 0; i < items_.size(); ++i) index_->emplace(items_[i].first, i);
  }
}

Value Value::undefined(std::string what) {
  return Data(Undefined{std::make_shared<const std::string>(std::move(what))});
}

Value Value::sequence(Sequence::Kind kind, std::vector<Value> items) {
  auto made = std::make_shared<Sequence>();
  made->kind = kind;
  for (const Value& item : items) {
    made->depth = std::max(made->depth, 1 + item.depth());
    made->weight += item.weight();
    check_extent(made->depth, made->weight);
  }
  made->items = std::move(items);
  return Data(std::move(made));
}

Value Value::dict(Dict dict) { return Data(std::make_shared<const Dict>(std::move(dict))); }

Value Value::markup(std::string text) { return Data(Markup{std::make_shared<const std::string>(std::move(text))}); }

Value Value::long_integer(std::string digits) {
  return Data(LongInteger{std::make_shared<const std::string>(std::move(digits))});
}

Value Value::from_json(const nlohmann::ordered_json& json, int depth) {
  if (depth > kDeepest) throw Error(Fault::data, cat("a variable is nested more than ", kDeepest, " deep"));
  const auto checked = [](const std::string& text) {
    if (!is_utf8(text)) throw Error(Fault::data, cat("the text ", pst::quoted(text, 60), " is not UTF-8"));
    return Value(text);
  };
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean: return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer: return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
        return long_integer(std::to_string(json.get<std::uint64_t>()));
      return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_float: return json.get<double>();
    case nlohmann::ordered_json::value_t::string: return checked(json.get_ref<const std::string&>());
    case nlohmann::ordered_json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(from_json(item, depth + 1));
      return list(std::move(items));
    }
    case nlohmann::ordered_json::value_t::object: {
      Dict made;
      for (const auto& [key, item] : json.items()) made.set(checked(key), from_json(item, depth + 1));
      return dict(std::move(made));
    }
    case nlohmann::ordered_json::value_t::binary: return long_integer(*json::long_integer(json));
    case nlohmann::ordered_json::value_t::null:
    case nlohmann::ordered_json::value_t::discarded: break;
  }
  return None{};
}

const Dict* Value::dict() const {
  const auto* held = as<std::shared_ptr<const Dict>>();
  return held ? held->get() : nullptr;
}

bool Value::is_list_like() const {
  const auto* held = sequence();
  return held && ((*held)->kind == Sequence::Kind::list || (*held)->kind == Sequence::Kind::tuple ||
                  (*held)->kind == Sequence::Kind::range);
}

bool Value::to_integer(std::int64_t& out) const {
  if (const auto* flag = as<bool>()) return out = *flag, true;
  if (const auto* integer = as<std::int64_t>()) return out = *integer, true;
  return false;
}

double Value::to_double() const {
  std::int64_t integer = 0;
  return to_integer(integer) ? static_cast<double>(integer) : std::get<double>(data_);
}

int Value::depth() const {
  if (const auto* held = sequence()) return (*held)->depth;
  const Dict* held = dict();
  return held ? held->depth : 0;
}

std::int64_t Value::weight() const {
  if (const auto* held = sequence()) return (*held)->weight;
  if (const Dict* held = dict()) return held->weight;
  const auto* held = text();
  return held ? 1 + static_cast<std::int64_t>(held->size() / 256) : 1;
}

bool Value::holds_mutable() const {
  if (is<std::shared_ptr<Namespace>>() || is<std::shared_ptr<const Macro>>() || is<std::shared_ptr<LoopState>>())
    return true;
  if (const auto* bound = as<std::shared_ptr<const BoundMethod>>()) return (*bound)->object.holds_mutable();
  const auto inside = [](const Value& value) { return value.holds_mutable(); };
  if (const auto* held = sequence()) return std::any_of((*held)->items.begin(), (*held)->items.end(), inside);
  if (const Dict* held = dict())
    return std::any_of(held->items().begin(), held->items().end(),
                       [&](const auto& item) { return inside(item.second); });
  return false;
}

const char* Value::type_name() const {
  struct Name {
    const char* operator()(const Undefined&) const { return "Undefined"; }
    const char* operator()(const None&) const { return "NoneType"; }
    const char* operator()(const bool&) const { return "bool"; }
    const char* operator()(const std::int64_t&) const { return "int"; }
    const char* operator()(const double&) const { return "float"; }
    const char* operator()(const LongInteger&) const { return "int of more than 64 bits"; }
    const char* operator()(const Markup&) const { return "Markup"; }
    const char* operator()(const Text&) const { return "str"; }
    const char* operator()(const std::shared_ptr<Sequence>& s) const {
      switch (s->kind) {
        case Sequence::Kind::list: return "list";
        case Sequence::Kind::tuple: return "tuple";
        case Sequence::Kind::range: return "range";
        case Sequence::Kind::view: return "dict view";
        case Sequence::Kind::generator: return "generator";
      }
      return "list";
    }
    const char* operator()(const std::shared_ptr<const Dict>&) const { return "dict"; }
    const char* operator()(const std::shared_ptr<Namespace>&) const { return "Namespace"; }
    const char* operator()(const std::shared_ptr<const Macro>&) const { return "Macro"; }
    const char* operator()(const std::shared_ptr<LoopState>&) const { return "LoopContext"; }
    const char* operator()(const Function&) const { return "function"; }
    const char* operator()(const std::shared_ptr<const BoundMethod>&) const { return "method"; }
  };
  return std::visit(Name{}, data_);
}

bool truth(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const auto* flag = value.as<bool>()) return *flag;
  if (const auto* integer = value.as<std::int64_t>()) return *integer != 0;
  if (const auto* real = value.as<double>()) return *real != 0;
  if (const auto* text = value.text()) return !text->empty();
  if (const auto* held = value.sequence()) return (*held)->kind == Sequence::Kind::generator || !(*held)->items.empty();
  if (const Dict* held = value.dict()) return held->size() > 0;
  return true;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    std::int64_t x = 0, y = 0;
    if (a.to_integer(x) && b.to_integer(y)) return x == y;
    return a.to_double() == b.to_double();
  }
  if (a.text() && b.text()) return *a.text() == *b.text();
  if (a.data().index() != b.data().index()) return false;
  if (a.is_none() || a.is_undefined()) return true;
  if (a.long_integer()) return *a.long_integer() == *b.long_integer();
  if (a.sequence()) {
    const auto &x = **a.sequence(), &y = **b.sequence();
    if (&x == &y) return true;
    if (x.kind != y.kind || x.kind == Sequence::Kind::generator) return false;
    return std::equal(x.items.begin(), x.items.end(), y.items.begin(), y.items.end(), equal);
  }
  if (const Dict* x = a.dict()) {
    const Dict* y = b.dict();
    if (x->size() != y->size()) return false;
    return std::all_of(x->items().begin(), x->items().end(), [&](const auto& item) {
      const Value* other = y->find(item.first);
      return other && equal(item.second, *other);
    });
  }
  if (const auto* x = a.as<Function>()) return *x == *b.as<Function>();
  if (const auto* x = a.as<std::shared_ptr<Namespace>>()) return *x == *b.as<std::shared_ptr<Namespace>>();
  if (const auto* x = a.as<std::shared_ptr<const Macro>>()) return *x == *b.as<std::shared_ptr<const Macro>>();
  return false;
}

}  // namespace pst::jinja
