// SPDX-License-Identifier: Apache-2.0
#include "weights/json.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::weights {
namespace {

using nlohmann::json;

/// Builds a json value from parser events; stops at a key that an object has already and at too many levels.
class StrictBuilder final : public nlohmann::json_sax<json> {
 public:
  StrictBuilder(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    if (open_.back()->contains(value))
      throw Error(Fault::data, cat(name_, ": key ", quoted(value), " occurs twice in one object"),
                  "keep one of the two");
    key_ = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception& error) override {
    // The library's text repeats the position and its own name; keep what comes after them.
    const std::string_view whole = error.what();
    const auto reason = whole.find(": ");
    throw Error(Fault::data,
                cat(name_, ":", line_and_column(text_, position == 0 ? 0 : position - 1),
                    ": not valid JSON: ", quoted(reason == whole.npos ? whole : whole.substr(reason + 2))));
  }

 private:
  static constexpr std::size_t kMaxDepth = 64;

  json* place(json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }
  bool put(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json value) {
    if (open_.size() == kMaxDepth)
      throw Error(Fault::data, cat(name_, ": JSON is more than ", kMaxDepth, " levels deep"));
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const std::string& name_;
  json root_;
  std::vector<json*> open_;  // containers we are inside of; a parent does not grow while its child is open
  std::string key_;
};

}  // namespace

json parse_json(std::string_view text, const std::string& name) {
  // The parser takes a NUL for the end of the text: what follows would be hidden.
  if (const auto nul = text.find('\0'); nul != text.npos)
    throw Error(Fault::data, cat(name, ":", line_and_column(text, nul), ": not valid JSON: a NUL byte"));
  StrictBuilder builder(text, name);
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

std::string line_and_column(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto newline = before.rfind('\n');
  return cat(line, ":", before.size() - (newline == before.npos ? 0 : newline + 1) + 1);
}

std::string place_of_key(std::string_view text, std::string_view key, const std::string& name) {
  const std::string word = cat('"', key, '"');
  const auto first = text.find(word);
  if (first == text.npos || text.find(word, first + 1) != text.npos) return name;
  return cat(name, ":", 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(first), '\n'));
}

}  // namespace pst::weights
