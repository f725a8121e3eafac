// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/brief.hpp"
#include "jinja/template.hpp"
#include "jinja/value.hpp"

namespace pst::jinja {

/// Counts what a template does, and stops it when it does too much. A step pays for about 100 ns, and for about 16
/// bytes that stay: whoever does more at once spends more, and before doing it. Where two operands are walked over,
/// both pay.
class Budget {
 public:
  /// @throws Error(data) once more than 10 million steps were taken, or 20 s of computing
  void spend(std::int64_t steps);
  /// For making a text: a step for 16 bytes. @throws Error(data) beyond 64 MiB in one piece
  void spend_bytes(std::size_t bytes);
  /// For reading a text once: to hash it, to compare it.
  void look_at(std::size_t bytes) { spend(static_cast<std::int64_t>(bytes / 16)); }

 private:
  std::int64_t left_ = 10'000'000;
  std::int64_t next_look_ = 9'900'000;  // steps left when the clock is read again
  double started_s_ = 0;                // 0: the clock was not read yet
};
constexpr std::size_t kLongestText = std::size_t{64} << 20;

/// Arguments of a filter, test, method or function, already evaluated.
class Given {
 public:
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  /// The arguments in the order of `parameters`. @throws Error(data) on too many, an unknown or a repeated one
  std::vector<std::optional<Value>> bind(const std::string& what, std::initializer_list<const char*> parameters) const;
};

bool known_filter(std::string_view name);
bool known_test(std::string_view name);

// All of these throw Error(data) without a place; the interpreter adds it.
Value apply_filter(Budget& budget, const std::string& name, const Value& value, const Given& given);
bool apply_test(Budget& budget, const std::string& name, const Value& value, const Given& given);
/// A method of a text, dict or list.
Value call_method(Budget& budget, const Value& object, const std::string& name, const Given& given);
const std::string& text_argument(const std::string& method, const std::optional<Value>& value);
std::int64_t count_argument(const std::string& method, const std::optional<Value>& value, std::int64_t otherwise);
/// @param object  a text; of a marked one the result is marked as well, and what is put into it escaped
Value text_method(Budget& budget, const Value& object, const std::string& name, const Given& given);
bool has_text_method(std::string_view name);
/// Whether Python's type has an attribute of that name, which then hides a dict's member.
bool has_method(const Value& object, std::string_view name);
/// Whether it would change a list or dict: HF's sandbox gives an undefined value for it, a dict's member or not.
bool is_forbidden(const Value& object, std::string_view name);
/// Whether Python has that method and we do not.
bool is_unsupported_method(const Value& object, std::string_view name);
/// @param today  for strftime_now(); absent: the machine's clock
Value call_function(Budget& budget, Function function, const Given& given, const std::optional<Day>& today);

/// @param today  absent: the machine's clock
Value strftime_now(const Given& given, const std::optional<Day>& today);

/// x.name and x['name'], which look in another order; an undefined value when there is none.
Value attribute_of(Budget& budget, const Value& object, const std::string& name);
Value item_of(Budget& budget, const Value& object, const Value& key);
/// Pays for looking `key` up in `dict`.
void look_for(Budget& budget, const Dict& dict, const Value& key);
/// x[begin:end:step]; null stands for an absent one.
Value slice_of(Budget& budget, const Value& object, const Value* begin, const Value* end, const Value* step);

enum class Operation { add, subtract, multiply, divide, floor_divide, modulo, power };
Value arithmetic(Budget& budget, Operation operation, const Value& left, const Value& right);
Value negative(const Value& value);
/// `sign` as in Expression::operators.
bool compare(Budget& budget, const std::string& sign, const Value& left, const Value& right);
/// Pays for one less() of the two.
void spend_on_order(Budget& budget, const Value& a, const Value& b);
/// Python's <, for sorting. @throws Error(data) on types that have no order
bool less(const Value& a, const Value& b);

/// What a `for` walks over; a generator is used up by it.
std::vector<Value> items_of(Budget& budget, const Value& value);
std::int64_t python_length(const Value& value);  ///< @throws Error(data) where Python has no len()

/// Python's str(), and what printing gives.
std::string to_text(Budget& budget, const Value& value);
/// Adds it to `out`. @throws Error(data) where `out` grows beyond 64 MiB
void append_text(Budget& budget, std::string& out, const Value& value);
std::string to_repr(Budget& budget, const Value& value);
/// json.dumps(ensure_ascii=False) with HF's options.
std::string to_json(Budget& budget, const Value& value, const Given& given);
std::string float_text(double value);  ///< Python's repr of a float

/// With & < > ' " as HTML writes them.
std::string escaped(Budget& budget, std::string_view text);
/// `value` as a text that may be put beside a marked one: escaped unless it is marked itself.
std::string escaped_text(Budget& budget, const Value& value);
/// Marked where `like` is.
Value marked_as(const Value& like, std::string text);
/// Python's `left + right` of texts. Where one is marked, the other is escaped, and the sum marked.
Value text_sum(Budget& budget, const Value& left, const Value& right);

/// Python's `format % values`. @param values  a tuple of them, a dict of them by name, or one
Value percent_format(Budget& budget, const Value& format, const Value& values);
/// Python's format.format(...).
Value brace_format(Budget& budget, const std::string& format, const Given& given);
/// A finite or infinite number as C's printf writes it: "%.3f". @param digits  behind the point, at most 1000
std::string printed(char conversion, int digits, bool alternative, double value);

[[noreturn]] void refuse(const std::string& what);
/// Throws that `what` is undefined.
[[noreturn]] void refuse_undefined(const Value& value);

}  // namespace pst::jinja
