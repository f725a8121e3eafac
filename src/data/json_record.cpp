// SPDX-License-Identifier: Apache-2.0
#include "data/json_record.hpp"

#include <unordered_set>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::data {
namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kMostKeys = 256;

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::data, what); }

/// Watches the parse from inside: limits hold before the memory is spent.
class Guard {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    switch (event) {
      case Event::object_start:
        if (depth >= kDeepest) refuse(cat("JSON nested more than ", kDeepest, " levels deep"));
        objects_.emplace_back();
        break;
      case Event::array_start:
        if (depth >= kDeepest) refuse(cat("JSON nested more than ", kDeepest, " levels deep"));
        break;
      case Event::object_end: objects_.pop_back(); break;
      case Event::key: {
        auto& keys = objects_.back();
        const auto& key = parsed.get_ref<const std::string&>();
        if (!keys.insert(key).second) refuse(cat("key ", quoted(key, 60), " is there twice"));
        if (keys.size() > kMostKeys) refuse(cat("an object with more than ", kMostKeys, " keys"));
        break;
      }
      case Event::value:
        if (parsed.is_string() && parsed.get_ref<const std::string&>().find('\0') != std::string::npos)
          refuse("a text has the character \\u0000");
        break;
      case Event::array_end: break;
    }
    return true;
  }

 private:
  std::vector<std::unordered_set<std::string>> objects_;
};

/// The library's message without its label and without the text it quotes, which may be megabytes.
std::string reason_of(const Json::parse_error& error) {
  std::string text = error.what();
  if (const auto label = text.find("] "); label != std::string::npos) text.erase(0, label + 2);
  if (const auto place = text.find(": "); starts_with(text, "parse error") && place != std::string::npos)
    text.erase(0, place + 2);
  if (const auto quote = text.find("; last read"); quote != std::string::npos) text.erase(quote);
  return text.size() > 160 ? quoted(text, 160) : text;
}

}  // namespace

Json parse_record(std::string_view line) {
  Guard guard;
  Json record;
  try {
    record = Json::parse(line.begin(), line.end(), [&](int depth, Json::parse_event_t event, Json& parsed) {
      return guard(depth, event, parsed);
    });
  } catch (const Json::parse_error& error) {
    refuse(cat("not JSON at column ", error.byte, ": ", reason_of(error)));
  } catch (const Json::out_of_range& error) {
    refuse("a number is too large");
  }
  if (!record.is_object()) refuse(cat("the line is a JSON ", record.type_name(), "; an example is an object {...}"));
  return record;
}

}  // namespace pst::data
