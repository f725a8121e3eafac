// SPDX-License-Identifier: Apache-2.0
#include "json/parse.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/cursor.hpp"

namespace pst::json {
namespace {

/// What the library says without its label and place, what it was about to parse, and the text it quotes, which may be
/// megabytes.
std::string reason_of(const nlohmann::json::exception& error) {
  std::string text = error.what();
  if (const auto label = text.find("] "); label != std::string::npos) text.erase(0, label + 2);
  if (const auto place = text.find(": "); text.starts_with("parse error") && place != std::string::npos)
    text.erase(0, place + 2);
  if (const auto dash = text.find(" - "); text.starts_with("syntax error") && dash != std::string::npos)
    text.erase(0, dash + 3);
  if (text.starts_with("number overflow")) return "a number is too large";
  if (const auto quote = text.find("; last read"); quote != std::string::npos) text.erase(quote);
  return text.size() > 160 ? quoted(text, 160) : text;
}

// What a value takes, with its allocations: measured with glibc, where lists grow by doubling.
constexpr std::size_t kElementBytes = 2 * sizeof(Value), kContainerBytes = 64, kTextBytes = 48, kMemberBytes = 96;

/// Builds a value from the parser's events and stops at the first flaw.
template <class Json>
class Builder final : public nlohmann::json_sax<Json> {
  using Sax = nlohmann::json_sax<Json>;

 public:
  Builder(Json& root, const Limits& limits, const std::size_t& consumed)
      : root_(root), limits_(limits), consumed_(consumed) {
    if constexpr (std::is_same_v<Json, Ordered>) limits_.members = std::min<std::size_t>(limits_.members, 4096);
  }

  std::optional<Flaw> flaw() { return std::move(flaw_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(typename Sax::number_integer_t value) override { return put(value); }
  bool number_unsigned(typename Sax::number_unsigned_t value) override { return put(value); }
  bool number_float(typename Sax::number_float_t value, const std::string& text) override {
    if (limits_.long_integers && text.find_first_of(".eE") == text.npos)  // an integer that fits no 64 bits
      return put(Json::binary(typename Json::binary_t::container_type(text.begin(), text.end())));
    return put(value);
  }
  bool string(std::string& value) override {
    if (!limits_.nul_in_strings && value.find('\0') != std::string::npos)
      return stop("a text has the character \\u0000");
    return spend(kTextBytes + value.size()) && put(std::move(value));
  }
  bool binary(typename Sax::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& value) override {
    Json& object = *open_.back();
    const auto [member, is_new] = object.emplace(value, nullptr);
    if (!is_new) return stop(cat("key ", quoted(value, 60), " occurs twice in one object"));
    if (object.size() > limits_.members) return stop(cat("an object with more than ", limits_.members, " keys"));
    slot_ = &*member;
    return spend(kMemberBytes + value.size());
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) override {
    flaw_ = Flaw{position == 0 ? 0 : position - 1, reason_of(error), /*syntax=*/true};
    return false;
  }

 private:
  bool stop(std::string reason) {
    flaw_ = Flaw{consumed_ == 0 ? 0 : consumed_ - 1, std::move(reason), /*syntax=*/false};
    return false;
  }
  bool spend(std::size_t bytes) {
    spent_ += bytes;
    return spent_ <= limits_.bytes || stop(cat("JSON that takes more than ", human_bytes(limits_.bytes), " of memory"));
  }
  Json* place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    Json& parent = *open_.back();
    if (!parent.is_array()) return &(*slot_ = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }
  bool put(Json value) {
    place(std::move(value));
    return spend(kElementBytes);
  }
  bool open(Json value) {
    if (open_.size() == limits_.levels) return stop(cat("JSON nested more than ", limits_.levels, " levels deep"));
    open_.push_back(place(std::move(value)));
    return spend(kContainerBytes + kElementBytes);
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json& root_;
  Limits limits_;
  const std::size_t& consumed_;
  std::size_t spent_ = 0;
  std::vector<Json*> open_;  // containers we are inside of; a parent does not grow while its child is open
  Json* slot_ = nullptr;     // the member whose key was read last
  std::optional<Flaw> flaw_;
};

template <class Json>
Json read_or_throw(std::string_view text, const std::string& name, const std::string& remedy, const Limits& limits) {
  Json value;
  if (const auto flaw = read(text, value, limits))
    throw Error(
        Fault::data,
        cat(name, ":", line_and_column(text, flaw->offset), ": ", flaw->syntax ? "not valid JSON: " : "", flaw->reason),
        remedy);
  return value;
}

}  // namespace

template <class Json>
std::optional<Flaw> read(std::string_view text, Json& into, const Limits& limits) {
  // The parser takes a NUL for the end of the text: what follows would be hidden.
  if (const auto nul = text.find('\0'); nul != text.npos) return Flaw{nul, "a NUL byte", /*syntax=*/true};
  std::size_t consumed = 0;
  Builder<Json> builder(into, limits, consumed);
  Json::sax_parse(Cursor(text.data(), consumed), Cursor(text.data() + text.size(), consumed), &builder);
  return builder.flaw();
}
template std::optional<Flaw> read(std::string_view, Value&, const Limits&);
template std::optional<Flaw> read(std::string_view, Ordered&, const Limits&);

std::optional<std::string> long_integer(const Ordered& value) {
  if (!value.is_binary()) return std::nullopt;
  return std::string(value.get_binary().begin(), value.get_binary().end());
}

Value parse(std::string_view text, const std::string& name, const std::string& remedy, const Limits& limits) {
  return read_or_throw<Value>(text, name, remedy, limits);
}

Ordered parse_ordered(std::string_view text, const std::string& name, const std::string& remedy, const Limits& limits) {
  return read_or_throw<Ordered>(text, name, remedy, limits);
}

std::string line_and_column(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  return cat(line, ":", before.size() - (newline == before.npos ? 0 : newline + 1) + 1);
}

}  // namespace pst::json
