// SPDX-License-Identifier: Apache-2.0
#include "datafiles/json_texts.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/record_json.hpp"

namespace pst::datafiles {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
bool is_space(char c) { return kSpace.find(c) != kSpace.npos; }

/// Finds the end of a JSON value, as far as brackets and quotes tell, in pieces.
class ValueEnd {
 public:
  /// Looks at `text` from where it stopped. @return whether the value ends; at() is then its length
  bool look(std::string_view text) {
    for (; at_ < text.size(); ++at_) {
      const char c = text[at_];
      if (in_string_) {
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == '"') {
          in_string_ = false;
          if (depth_ == 0) return ++at_, true;
        }
      } else if (c == '"') {
        if (depth_ == 0 && at_ > 0) return true;  // a word, and a text glued to it
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        if (depth_ == 0 && at_ > 0) return true;
        ++depth_;
      } else if (depth_ == 0 && (c == ',' || c == '}' || c == ']' || c == ':' || is_space(c))) {
        return true;
      } else if (c == '}' || c == ']') {
        if (--depth_ == 0) return ++at_, true;
      }
    }
    return false;
  }
  std::size_t at() const { return at_; }
  void dropped(std::size_t bytes) { at_ -= bytes; }

 private:
  std::size_t at_ = 0, depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::data, what); }

}  // namespace

JsonTexts::JsonTexts(Window& window, std::string field) : window_(window), lines_(window), field_(std::move(field)) {}

std::optional<std::string_view> JsonTexts::next() {
  if (form_ == Form::unknown) find_form();
  if (form_ != Form::lines) return next_element();
  while (const auto line = lines_.next()) {
    line_ = lines_.number();
    if (!trim(*line).empty()) return line;
  }
  return std::nullopt;
}

void JsonTexts::find_form() {
  form_ = field_.empty() ? Form::lines : Form::under_key;
  // Lines count their own numbers: nothing is dropped before it is known that there are none.
  std::size_t at = 0;
  const auto begins = [&] {
    while (true) {
      const auto front = window_.front();
      if (front.starts_with("\xef\xbb\xbf")) at = std::max<std::size_t>(at, 3);
      at = std::min(front.find_first_not_of(kSpace, at), front.size());
      if (at < front.size()) return front[at];
      constexpr std::size_t kMostSpace = std::size_t{1} << 20;
      if (front.size() > kMostSpace || !window_.grow()) return '\0';
    }
  };
  const char first = begins();
  if (field_.empty() && first != '[') return;
  skip_mark(window_);
  if (field_.empty()) {
    form_ = Form::list;
    take('[', "");
  } else {
    enter_field();
  }
}

void JsonTexts::drop(std::size_t bytes) {
  const auto gone = window_.front().substr(0, bytes);
  here_ += static_cast<int>(std::count(gone.begin(), gone.end(), '\n'));
  window_.drop(bytes);
}

bool JsonTexts::skip_space() {
  while (true) {
    const auto front = window_.front();
    const auto end = front.find_first_not_of(kSpace);
    drop(std::min(end, front.size()));
    if (end != front.npos) return true;
    if (!window_.grow()) return false;
  }
}

char JsonTexts::front() {
  const bool is_there = skip_space();
  line_ = here_;
  return is_there ? window_.front().front() : '\0';
}

void JsonTexts::fail(const std::string& what) {
  is_over_ = true;
  refuse(what);
}

void JsonTexts::take(char wanted, const char* what) {
  if (front() != wanted) fail(what);
  drop(1);
}

std::string_view JsonTexts::value(const char* what_if_torn) {
  ValueEnd end;
  while (!end.look(window_.front())) {
    if (window_.front().size() > Lines::kLongest) fail("the record is longer than 64 MiB, or does not end");
    if (!window_.grow()) fail(what_if_torn);
  }
  return window_.front().substr(0, end.at());
}

void JsonTexts::skip_value() {
  front();
  ValueEnd end;
  while (!end.look(window_.front())) {
    const auto done = window_.front().size();
    if (done > Lines::kLongest) {
      drop(done - 1);
      end.dropped(done - 1);
    }
    if (!window_.grow()) fail("the file is a JSON object that does not end");
  }
  drop(end.at());
}

void JsonTexts::enter_field() {
  if (front() != '{') fail(cat("the file is no JSON object with a key ", quoted(field_, 60)));
  drop(1);
  for (bool is_first = true;; is_first = false) {
    const char c = front();
    if (c == '}' || (c == ',' && is_first)) {
      fail(cat("the file's object has no key ", quoted(field_, 60), "; its keys: ", join(keys_, ", ")));
    }
    if (!is_first) take(',', "the file is a JSON object; a comma or its end is missing here");
    if (front() != '"') fail("the file is a JSON object; a key is missing here");
    const auto spelled = value("the file is a JSON object that does not end");
    const auto key = json_in_text(spelled);
    if (!key || !key->is_string()) fail("the file is a JSON object, and this key is no JSON text");
    const auto& name = key->get_ref<const std::string&>();
    constexpr std::size_t kShown = 10;
    if (keys_.size() < kShown) keys_.push_back(quoted(name, 40));
    drop(spelled.size());
    take(':', "the file is a JSON object; a colon is missing here");
    if (name == field_) break;
    skip_value();
  }
  if (front() != '[') fail(cat("what stands under the key ", quoted(field_, 60), " is no JSON list of records"));
  drop(1);
}

/// Behind the list the object goes on: a file that is torn there is torn.
void JsonTexts::leave_field() {
  while (front() == ',') {
    drop(1);
    if (front() != '"') fail("the file is a JSON object; a key is missing here");
    const auto spelled = value("the file is a JSON object that does not end");
    const auto key = json_in_text(spelled);
    if (key && key->is_string() && key->get<std::string>() == field_)
      fail(cat("the file's object has the key ", quoted(field_, 60), " twice"));
    drop(spelled.size());
    take(':', "the file is a JSON object; a colon is missing here");
    skip_value();
  }
  take('}', "the file is a JSON object that does not end");
}

std::optional<std::string_view> JsonTexts::next_element() {
  if (is_over_) return std::nullopt;
  drop(used_);
  used_ = 0;
  const char c = front();
  if (c == '\0') fail("the file is a JSON list that does not end");
  const bool closes = c == ']';
  if (!closes && !is_first_) {
    if (c != ',') fail("the file is a JSON list; a comma or its end is missing here");
    drop(1);
    front();
  }
  is_first_ = false;
  if (closes) {
    drop(1);
    if (form_ == Form::under_key) leave_field();
    if (front() != '\0') fail("there is more behind the end of the JSON list");
    is_over_ = true;
    return std::nullopt;
  }
  const auto element = value("the file is a JSON list, and this record of it does not end");
  if (element.empty()) fail("the file is a JSON list; a record is missing here");
  used_ = element.size();
  return element;
}

std::vector<std::string> keys_of_lists(std::string_view text) {
  std::vector<std::string> found;
  const auto space = [&] { text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size())); };
  const auto take = [&](char c) {
    space();
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    space();
    return true;
  };
  if (!take('{')) return {};
  do {
    ValueEnd key, inner;
    if (!text.starts_with('"') || !key.look(text)) return found;
    const auto name = json_in_text(text.substr(0, key.at()));
    text.remove_prefix(key.at());
    if (!name || !name->is_string() || !take(':')) return found;
    if (text.starts_with('[')) found.push_back(name->get<std::string>());
    if (!inner.look(text)) return found;
    text.remove_prefix(inner.at());
  } while (take(','));
  return found;
}

}  // namespace pst::datafiles
