// SPDX-License-Identifier: Apache-2.0
#include "json/object.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/brief.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/cursor.hpp"

namespace pst::json {
namespace {

std::string element_path(const std::string& list, std::size_t index) { return cat(list, "[", index, "]"); }
std::string member_path(const std::string& object, std::string_view key) {
  return object.empty() ? std::string(key) : cat(object, ".", key);
}

constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();

bool is_whole(const Value& value, std::int64_t least, std::int64_t most) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{kLargest}) return false;
  return value.is_number_integer() && value.get<std::int64_t>() >= least && value.get<std::int64_t>() <= most;
}

/// Walks a text up to the place that a path names: only complaints ask, so that nothing is remembered while reading.
/// Of each container it knows how much of the path its own path is. Spelling out every path would cost depth x members.
class Locator final : public nlohmann::json_sax<Value> {
 public:
  explicit Locator(std::string_view wanted) : wanted_(wanted) {}
  bool found() const { return found_; }

  bool null() override { return element(); }
  bool boolean(bool) override { return element(); }
  bool number_integer(number_integer_t) override { return element(); }
  bool number_unsigned(number_unsigned_t) override { return element(); }
  bool number_float(number_float_t, const std::string&) override { return element(); }
  bool string(std::string&) override { return element(); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(/*is_list=*/false); }
  bool start_array(std::size_t) override { return open(/*is_list=*/true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    const std::size_t before = levels_.back().matched;
    std::string_view rest = before == kNone ? std::string_view() : wanted_.substr(before);
    const bool dotted = before == 0 || (before != kNone && rest.starts_with("."));
    if (before != 0 && dotted) rest.remove_prefix(1);
    here_ = dotted && rest.starts_with(name) ? wanted_.size() - rest.size() + name.size() : kNone;
    return look();
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  static constexpr std::size_t kNone = std::string_view::npos;
  struct Level {
    std::size_t matched;  // bytes of the wanted path that this container's path is; kNone when it is no beginning of it
    bool is_list;
    std::size_t elements = 0;
  };
  bool look() {
    found_ = here_ == wanted_.size();
    return !found_;
  }
  bool element() {
    if (levels_.empty() || !levels_.back().is_list) return true;
    Level& list = levels_.back();
    const std::size_t index = list.elements++;
    here_ = kNone;
    if (list.matched == kNone) return true;
    const std::string step = element_path("", index);
    if (wanted_.substr(list.matched).starts_with(step)) here_ = list.matched + step.size();
    return look();
  }
  bool open(bool is_list) {
    if (!element()) return false;
    levels_.push_back({here_, is_list});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }

  std::string_view wanted_;
  std::size_t here_ = 0;  // like Level::matched, of the value that comes next
  std::vector<Level> levels_;
  bool found_ = false;
};

}  // namespace

Document::Document(std::string text, std::string name, std::string remedy, const Limits& limits)
    : text_(std::move(text)),
      name_(std::move(name)),
      remedy_(std::move(remedy)),
      root_(std::make_unique<const Value>(parse(text_, name_, remedy_, limits))) {}

Document::Document(const std::filesystem::path& file, std::uint64_t most_bytes, std::string remedy,
                   const Limits& limits)
    : Document(read_file(file, most_bytes), file.string(), std::move(remedy), limits) {}

Document::~Document() = default;

Node Document::root() const { return {*this, *root_, {}}; }

Object Document::object() const {
  if (!root_->is_object()) throw Error(Fault::data, cat(name_, ": the file does not hold a JSON object"), remedy_);
  return root().object();
}

std::string Document::place_of(std::string_view path) const {
  if (path.empty()) return name_;
  std::size_t consumed = 0;
  Locator locator(path);
  Value::sax_parse(Cursor(text_.data(), consumed), Cursor(text_.data() + text_.size(), consumed), &locator);
  if (!locator.found()) return name_;
  // The last byte consumed may be one behind a number, and a new line.
  const auto end = text_.begin() + static_cast<std::ptrdiff_t>(consumed - 1);
  return cat(name_, ":", 1 + std::count(text_.begin(), end, '\n'));
}

std::string Node::place() const {
  return path_.empty() ? document_->place_of({}) + ": the file" : cat(document_->place_of(path_), ": '", path_, "'");
}

void Node::refuse(const std::string& reason, const std::string& remedy) const {
  constexpr std::size_t kLongest = 4000;  // a key of the file may be all of it
  throw Error(Fault::data, brief(cat(place(), " ", reason), kLongest), remedy.empty() ? document_->remedy() : remedy);
}

bool Node::is_object() const { return value_->is_object(); }
bool Node::is_list() const { return value_->is_array(); }
bool Node::is_text() const { return value_->is_string(); }

std::string Node::text() const {
  if (!value_->is_string()) refuse(cat("is ", shown(*value_), "; it must be a string"));
  return value_->get<std::string>();
}

bool Node::flag() const {
  if (!value_->is_boolean()) refuse(cat("is ", shown(*value_), "; it must be true or false"));
  return value_->get<bool>();
}

std::int64_t Node::whole(std::int64_t least, std::int64_t most) const {
  if (!is_whole(*value_, least, most))
    refuse(cat("is ", shown(*value_), "; it must be a whole number from ", least,
               most == kLargest ? "" : cat(" to ", most), most == kLargest ? " on" : ""));
  return value_->get<std::int64_t>();
}

int Node::small_whole(int least, int most) const { return static_cast<int>(whole(least, most)); }

double Node::real(double least, double most) const {
  constexpr auto kLargestReal = std::numeric_limits<double>::max();
  const auto fits = [&](double number) { return number >= least && number <= most; };
  if (!value_->is_number() || !fits(value_->get<double>()))
    refuse(
        cat("is ", shown(*value_), "; it must be a number",
            least == -kLargestReal && most == kLargestReal ? "" : cat(" from ", number(least), " to ", number(most))));
  return value_->get<double>();
}

double Node::positive() const {
  if (!value_->is_number() || !(value_->get<double>() > 0))
    refuse(cat("is ", shown(*value_), "; it must be a number above 0"));
  return value_->get<double>();
}

Object Node::object() const {
  if (!value_->is_object()) refuse(cat("is ", shown(*value_), "; it must be an object"));
  return Object(*this);
}

Node Node::element(std::size_t index) const { return {*document_, (*value_)[index], element_path(path_, index)}; }

template <class T, class Fits, class Read>
std::vector<T> Node::all(Fits&& fits, Read&& read) const {
  if (!value_->is_array()) refuse(cat("is ", shown(*value_), "; it must be a list"));
  std::vector<T> all;
  all.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) {
    if (!fits((*value_)[i])) (void)read(element(i));  // which refuses it
    all.push_back((*value_)[i].template get<T>());
  }
  return all;
}

std::vector<Node> Node::list(std::size_t most) const {
  if (!value_->is_array()) refuse(cat("is ", shown(*value_), "; it must be a list"));
  if (value_->size() > most) refuse(cat("has ", value_->size(), " elements; at most are ", most));
  std::vector<Node> nodes;
  nodes.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) nodes.push_back(element(i));
  return nodes;
}

std::vector<std::string> Node::texts() const {
  return all<std::string>([](const Value& value) { return value.is_string(); },
                          [](const Node& node) { return node.text(); });
}

std::vector<std::int64_t> Node::wholes(std::int64_t least, std::int64_t most) const {
  return all<std::int64_t>([&](const Value& value) { return is_whole(value, least, most); },
                           [&](const Node& node) { return node.whole(least, most); });
}

std::vector<double> Node::reals() const {
  return all<double>([](const Value& value) { return value.is_number(); },
                     [](const Node& node) { return node.real(); });
}

std::string Object::path_of(std::string_view key) const { return member_path(node_.path_, key); }

const Value* Object::find(std::string_view key) const {
  const auto found = node_.value_->find(key);
  if (found == node_.value_->end()) return nullptr;
  node_.document_->asked_.insert(&*found);
  return found->is_null() ? nullptr : &*found;
}

std::optional<Node> Object::get(std::string_view key) const {
  const Value* const found = find(key);
  return found ? std::optional(Node(*node_.document_, *found, path_of(key))) : std::nullopt;
}

Node Object::at(std::string_view key) const {
  if (auto found = get(key)) return *std::move(found);
  throw Error(Fault::data, cat(node_.document_->place_of(node_.path_), ": '", path_of(key), "' is missing"),
              node_.document_->remedy());
}

bool Object::has(std::string_view key) const { return node_.value_->contains(key); }

std::vector<std::pair<std::string, Node>> Object::members() const {
  std::vector<std::pair<std::string, Node>> all;
  for (const auto& [key, value] : node_.value_->items())
    all.emplace_back(key, Node(*node_.document_, value, path_of(key)));
  return all;
}

std::vector<std::pair<std::string, Node>> Object::unasked() const {
  auto all = members();
  const auto& asked = node_.document_->asked_;
  std::erase_if(all, [&](const auto& member) {
    return member.second.value().is_null() || asked.contains(&member.second.value());
  });
  return all;
}

std::optional<std::int64_t> Object::size(std::string_view key, std::int64_t most) const {
  const auto found = get(key);
  return found ? std::optional(found->whole(1, most)) : std::nullopt;
}
std::int64_t Object::needed_size(std::string_view key, std::int64_t most) const { return at(key).whole(1, most); }

std::optional<double> Object::positive(std::string_view key) const {
  const auto found = get(key);
  return found ? std::optional(found->positive()) : std::nullopt;
}
double Object::needed_positive(std::string_view key) const { return at(key).positive(); }

std::optional<std::string> Object::text(std::string_view key) const {
  const auto found = get(key);
  return found ? std::optional(found->text()) : std::nullopt;
}

bool Object::flag(std::string_view key, bool otherwise) const {
  const auto found = get(key);
  return found ? found->flag() : otherwise;
}

Object Object::inner(std::string_view key) const { return at(key).object(); }

void Object::refuse(std::string_view key, const std::string& reason, const std::string& remedy) const {
  static const Value kAbsent;
  const Value* const found = find(key);
  Node(*node_.document_, found ? *found : kAbsent, path_of(key)).refuse(reason, remedy);
}

std::string shown(const Value& value) {
  constexpr std::size_t kMost = 60;
  if (value.is_string()) return quoted(value.get_ref<const std::string&>(), kMost);
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, Value::error_handler_t::replace);
  if (text.size() > kMost) text.replace(kMost, text.npos, "...");
  return text;
}

}  // namespace pst::json
