// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/keyed_hash.hpp"

namespace pst::jinja {

class Value;
struct Macro;
struct LoopState;

/// What a missing variable or member gives. Printing it gives nothing; most other uses are errors that show `what`.
struct Undefined {
  std::shared_ptr<const std::string> what;
};
struct None {};

/// A text that `safe` or `escape` has marked: what is added to it is escaped. In all else it is that text.
struct Markup {
  std::shared_ptr<const std::string> text;
};

/// An int that fits no 64 bits: it can be written and compared for equality, and nothing else. Ids are such numbers.
struct LongInteger {
  std::shared_ptr<const std::string> digits;  ///< with its sign
};

/// A Python list, or something that differs from one in what it may be used for.
struct Sequence {
  enum class Kind { list, tuple, range, view, generator };
  Kind kind = Kind::list;
  std::vector<Value> items;
  int depth = 1;            ///< of containers inside containers
  std::int64_t weight = 1;  ///< of all that is inside, counted as often as it is reached
  std::size_t used = 0;     ///< generator: items handed out so far; it can be walked only once
  bool is_group = false;    ///< a tuple of `groupby`, whose parts have the names `grouper` and `list`
};

/// A Python dict: keeps the order of insertion.
class Dict {
 public:
  /// Null when absent. It takes steps: a key that is a text is hashed, any other is compared with all that are none.
  const Value* find(const Value& key) const;
  void set(Value key, Value value);
  std::size_t size() const { return items_.size(); }
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  int depth = 1;
  std::int64_t weight = 1;

 private:
  std::size_t index_of(const Value& key) const;
  std::vector<std::pair<Value, Value>> items_;
  std::unordered_map<std::string_view, std::size_t, KeyedHash> by_name_;  // of string keys, which items_ owns
  std::int64_t other_keys_ = 0;                                           // that are no texts
};

/// Variables or members by name, in the order in which they came. Few are walked over; more have an index, for a
/// template may set a hundred thousand.
class Names {
 public:
  const Value* find(std::string_view name) const;  ///< null when absent
  void set(std::string_view name, Value value);
  const std::vector<std::pair<std::string, Value>>& items() const { return items_; }
  /// How many a find() compares at most.
  std::size_t walk() const { return items_.size() < kFew ? items_.size() : kFew; }

 private:
  static constexpr std::size_t kFew = 16;
  using Index = std::unordered_map<std::string, std::size_t, KeyedHash, std::equal_to<>>;
  std::size_t index_of(std::string_view name) const;
  std::vector<std::pair<std::string, Value>> items_;
  std::unique_ptr<Index> index_;  // null while there are few
};

/// namespace(...): the only thing a template can change.
struct Namespace {
  Names members;
};

/// `joiner` and friends are not supported, so a function is known by its name alone.
enum class Function { range, dict, namespace_, raise_exception, strftime_now };

/// x.method, not called yet.
struct BoundMethod;

/// A value of the template language: what Python would hold, copied by reference; immutable but for namespaces.
class Value {
 public:
  using Text = std::shared_ptr<const std::string>;
  using Data =
      std::variant<Undefined, None, bool, std::int64_t, double, Text, std::shared_ptr<Sequence>,
                   std::shared_ptr<const Dict>, std::shared_ptr<Namespace>, std::shared_ptr<const Macro>,
                   std::shared_ptr<LoopState>, Function, std::shared_ptr<const BoundMethod>, LongInteger, Markup>;

  Value() : data_(Undefined{}) {}
  Value(None) : data_(None{}) {}
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(int value) : data_(std::int64_t{value}) {}
  Value(double value) : data_(value) {}
  Value(std::string text) : data_(std::make_shared<const std::string>(std::move(text))) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(Data data) : data_(std::move(data)) {}
  static Value undefined(std::string what);
  static Value sequence(Sequence::Kind kind, std::vector<Value> items);
  static Value list(std::vector<Value> items) { return sequence(Sequence::Kind::list, std::move(items)); }
  static Value dict(Dict dict);
  static Value markup(std::string text);
  static Value long_integer(std::string digits);  ///< with its sign; of more than 64 bits
  /// @throws Error(data) on text that is not UTF-8, or deep nesting
  static Value from_json(const nlohmann::ordered_json& json, int depth = 0);

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(data_);
  }
  template <class T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  const Data& data() const { return data_; }

  bool is_undefined() const { return is<Undefined>(); }
  bool is_none() const { return is<None>(); }
  const std::string* long_integer() const { return is<LongInteger>() ? as<LongInteger>()->digits.get() : nullptr; }
  const std::string* text() const {
    if (const auto* const plain = as<Text>()) return plain->get();
    return is_markup() ? as<Markup>()->text.get() : nullptr;
  }
  bool is_markup() const { return is<Markup>(); }
  const std::shared_ptr<Sequence>* sequence() const { return as<std::shared_ptr<Sequence>>(); }
  const Dict* dict() const;
  bool is_list_like() const;  ///< list, tuple or range: has a length and positions
  bool is_number() const { return is<bool>() || is<std::int64_t>() || is<double>(); }
  /// int or bool, as Python sees it.
  bool to_integer(std::int64_t& out) const;
  double to_double() const;  ///< of a number
  int depth() const;         ///< of containers; 0 for anything else
  /// About how many steps it takes to look at all of it: [a, a] weighs twice as much as a, however it is stored.
  std::int64_t weight() const;
  bool holds_mutable() const;     ///< a namespace, macro or loop anywhere inside: may not go into a namespace
  const char* type_name() const;  ///< as Python's type(x).__name__

 private:
  Data data_;
};

struct BoundMethod {
  Value object;
  std::string name;
};

bool truth(const Value& value);
/// Python's ==.
bool equal(const Value& a, const Value& b);

constexpr int kDeepest = 100;                   ///< containers inside containers
constexpr std::int64_t kHeaviest = 20'000'000;  ///< Value::weight() of a container

}  // namespace pst::jinja
