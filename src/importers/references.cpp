// SPDX-License-Identifier: Apache-2.0
#include "importers/references.hpp"

#include <optional>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::importers {
namespace {

using config::Node;

constexpr std::string_view kOpen = "${";

class Resolver {
 public:
  explicit Resolver(Node whole) : whole_(std::move(whole)) {}
  std::vector<std::string> take_used() { return std::move(used_); }

  /// @param levels  how many more references may lead on from here: a circle ends there
  void resolve(Node& node, int levels) {
    spend(node.text.size() + 1);
    for (Node& item : node.items) resolve(item, levels);
    for (auto& entry : node.entries) resolve(entry.value, levels);
    if (node.kind != Node::Kind::scalar || levels == 0) return;
    const std::string text = node.text;
    if (text.starts_with(kOpen) && text.find('}') == text.size() - 1) {
      const Node* const target = find(text.substr(kOpen.size(), text.size() - kOpen.size() - 1));
      if (!target) return;
      Node value = *target;
      resolve(value, levels - 1);
      value.mark = node.mark;
      node = std::move(value);
    } else if (text.find(kOpen) != text.npos) {
      node.text = within(text, levels);
    }
  }

 private:
  std::string within(const std::string& text, int levels) {
    std::string result;
    std::size_t at = 0;
    for (std::size_t open; (open = text.find(kOpen, at)) != text.npos;) {
      const auto close = text.find('}', open);
      if (close == text.npos) break;
      const auto end = close + 1, name = open + kOpen.size();
      const Node* const target = find(text.substr(name, close - name));
      result += text.substr(at, open - at);
      if (target && target->kind == Node::Kind::scalar) {
        Node value = *target;
        resolve(value, levels - 1);
        result += value.text;
      } else {
        result += text.substr(open, end - open);
      }
      spend(result.size());
      at = end;
    }
    return result + text.substr(at);
  }

  const Node* find(const std::string& path) {
    const Node* at = &whole_;
    for (const std::string& key : split(path, '.')) {
      at = at->kind == Node::Kind::map ? at->find(key) : nullptr;
      if (!at) return nullptr;
    }
    used_.push_back(path);
    return at;
  }

  void spend(std::size_t bytes) {
    constexpr std::size_t kMost = 16u << 20;
    if ((spent_ += bytes) > kMost)
      throw Error(Fault::usage, "the file's ${...} references make it many times as large",
                  "write the values themselves");
  }

  const Node whole_;
  std::vector<std::string> used_;
  std::size_t spent_ = 0;
};

}  // namespace

std::vector<std::string> resolve_references(Node& document) {
  Resolver resolver(document);
  resolver.resolve(document, 8);
  return resolver.take_used();
}

}  // namespace pst::importers
