// SPDX-License-Identifier: Apache-2.0
#include "config/reader.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::config {
namespace {

std::string joined(const std::string& prefix, const std::string& key) {
  return prefix.empty() ? key : cat(prefix, ".", key);
}

/// Reads one section; sections inside it get a reader of their own.
class Reader final : public Fields {
 public:
  Reader(const Node& section, std::string prefix, Problems& problems, Places& places, const Advice& advice)
      : section_(section), prefix_(std::move(prefix)), problems_(problems), places_(places), advice_(advice) {
    places_.put(prefix_, section.mark);
  }

  /// Everything that stands in the section and was not asked for is a mistake.
  void report_unknown_keys() const {
    constexpr std::size_t kMany = 1000;  // a hint compares a key with all of ours
    for (const auto& entry : section_.entries)
      if (std::find(asked_.begin(), asked_.end(), entry.key) == asked_.end())
        problems_.add(entry.key_mark,
                      cat("unknown key '", shown(joined(prefix_, entry.key)), "'",
                          section_.entries.size() > kMany && problems_.is_full() ? "" : hint(entry.key)));
  }

 protected:
  void on_value(const Key& key, AnyValue& value) override {
    const Node* const node = ask(key);
    if (node == nullptr) return;
    const std::string path = joined(prefix_, key.name);
    if (!value.read(*node, {path, key.constraint, problems_})) places_.put_wrong(path);
  }

  void on_section(const Key& key, const std::function<void(Fields&)>& bind_it) override {
    static const Node kNothing = Node::map();
    const Node* const node = ask(key);
    const std::string path = joined(prefix_, key.name);
    if (node == nullptr || node->kind == Node::Kind::null) {
      Reader inner(kNothing, path, problems_, places_, advice_);
      places_.put(path, node == nullptr ? section_.mark : node->mark);
      bind_it(inner);  // so that its required keys are missed
    } else if (node->kind != Node::Kind::map) {
      problems_.add(node->mark, cat(path, " is ", node->describe(), "; it must be a section (key: value)"));
    } else {
      Reader inner(*node, path, problems_, places_, advice_);
      bind_it(inner);
      inner.report_unknown_keys();
    }
  }

  void on_sections(const Key& key, AnySections& sections) override {
    const Node* const node = ask(key);
    if (node == nullptr) return;
    const std::string path = joined(prefix_, key.name);
    if (node->kind != Node::Kind::list || (key.need == Need::required && node->items.empty())) {
      problems_.add(node->mark, cat(path, " is ", node->kind == Node::Kind::list ? "empty" : node->describe(),
                                    "; it must be a list of sections, such as [{path: ...}]"));
      return;
    }
    sections.resize(node->items.size());
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      const Node& item = node->items[i];
      const std::string item_path = cat(path, "[", i, "]");
      if (item.kind != Node::Kind::map) {
        problems_.add(item.mark,
                      cat(item_path, " is ", item.describe(), "; it must be a section, such as {path: ...}"));
        continue;
      }
      Reader inner(item, item_path, problems_, places_, advice_);
      sections.bind_item(i, inner);
      inner.report_unknown_keys();
    }
  }

 private:
  /// The value of a key, which from now on is known; reports a required one that is missing.
  const Node* ask(const Key& key) {
    asked_.emplace_back(key.name);
    const Node* const node = section_.find(key.name);
    const std::string path = joined(prefix_, key.name);
    if (node != nullptr) {
      places_.put(path, node->mark);
    } else if (key.need == Need::required) {
      problems_.add(places_.of(prefix_), cat("'", path, "' is missing: ", key.help));
    }
    return node;
  }

  static std::string shown(const std::string& path) {
    if (!find_unprintable(path) && path.size() <= 100) return path;
    const std::string in_quotes = quoted(path, 100);
    return in_quotes.substr(1, in_quotes.size() - 2);
  }

  std::string hint(const std::string& key) const {
    if (advice_)
      if (const auto text = advice_(joined(prefix_, key))) return "; " + *text;
    // Edit distance is quadratic: a key that is longer than any of ours is no misspelling.
    if (key.size() <= 60)
      if (const auto meant = nearest(key, asked_)) return cat("; did you mean '", *meant, "'?");
    return cat("; known here: ", join(asked_, ", "));
  }

  const Node& section_;
  std::string prefix_;
  Problems& problems_;
  Places& places_;
  const Advice& advice_;
  std::vector<std::string> asked_;
};

}  // namespace

Mark Places::of(std::string path) const {
  while (true) {
    const auto found = marks_.find(path);
    if (found != marks_.end()) return found->second;
    const auto cut = path.find_last_of(".[");
    if (path.empty()) return {};
    path.resize(cut == std::string::npos ? 0 : cut);
  }
}

Places read_section(const Node& document, const std::function<void(Fields&)>& bind_it, Problems& problems,
                    const Advice& advice) {
  Places places;
  const Node empty = Node::map();
  if (document.kind != Node::Kind::map && document.kind != Node::Kind::null) {
    problems.add(document.mark, cat("the file is ", document.describe(), "; it must be a section (key: value)"));
    return places;
  }
  Reader reader(document.kind == Node::Kind::null ? empty : document, "", problems, places, advice);
  places.put("", document.mark);
  bind_it(reader);
  reader.report_unknown_keys();
  return places;
}

}  // namespace pst::config
