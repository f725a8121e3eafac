// SPDX-License-Identifier: Apache-2.0
#include "config/node.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::config {
namespace {

bool is_plain_safe(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto inside = [&](char c) { return letter_or_digit(c) || c == '.' || c == '_' || c == '/' || c == '-'; };
  const char first = text.front();
  if (!letter_or_digit(first) && first != '/' && first != '_') return false;
  if (!std::all_of(text.begin(), text.end(), inside)) return false;
  // Words and numbers that a reader of YAML, ours or another, would take for something else than text.
  if (to_double(text)) return false;
  const std::string word = lower(text);
  for (const char* special : {"null", "auto", "true", "false", "yes", "no", "on", "off", "y", "n", "all-linear"})
    if (word == special) return false;
  return true;
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string scalar_text(const Node& node) { return node.quoted ? double_quoted(node.text) : node.text; }

std::string key_text(const std::string& key) { return is_plain_safe(key) ? key : double_quoted(key); }

bool has_map(const Node& list) {
  return std::any_of(list.items.begin(), list.items.end(),
                     [](const Node& item) { return item.kind == Node::Kind::map && !item.entries.empty(); });
}

void write_block(const Node& node, const std::string& indent, std::string& out);

void write_value(const Node& node, const std::string& indent, std::string& out) {
  const bool block =
      (node.kind == Node::Kind::map && !node.entries.empty()) || (node.kind == Node::Kind::list && has_map(node));
  if (!block) {
    out += " " + to_flow(node) + "\n";
    return;
  }
  out += "\n";
  write_block(node, indent + "  ", out);
}

void write_block(const Node& node, const std::string& indent, std::string& out) {
  for (const auto& entry : node.entries) {
    out += indent + key_text(entry.key) + ":";
    write_value(entry.value, indent, out);
  }
  for (const auto& item : node.items) out += indent + "- " + to_flow(item) + "\n";
}

}  // namespace

std::optional<std::string> find_unprintable(std::string_view text) {
  const auto inner = [](std::string_view bytes) {
    const std::string in_quotes = quoted(bytes);
    return in_quotes.substr(1, in_quotes.size() - 2);
  };
  if (const auto control = find_control(text)) return inner(text.substr(control->first, 1));
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]), next = static_cast<unsigned char>(text[i + 1]);
    if (c == 0xC2 && next >= 0x80 && next <= 0x9F)
      return cat("U+00", "89"[next >> 4 & 1], "0123456789abcdef"[next & 15]);
    if (c == 0xE2 && next == 0x80 && i + 2 < text.size()) {
      const auto last = static_cast<unsigned char>(text[i + 2]);
      if (last == 0xA8 || last == 0xA9) return last == 0xA8 ? "U+2028" : "U+2029";
    }
  }
  return std::nullopt;
}

Node Node::scalar(std::string text) {
  Node node;
  node.kind = Kind::scalar;
  node.text = std::move(text);
  return node;
}

Node Node::string(std::string text) {
  Node node = scalar(std::move(text));
  node.quoted = !is_plain_safe(node.text);
  return node;
}

Node Node::list() {
  Node node;
  node.kind = Kind::list;
  return node;
}

Node Node::map() {
  Node node;
  node.kind = Kind::map;
  return node;
}

const Node* Node::find(std::string_view key) const {
  for (const auto& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

std::string Node::describe() const {
  switch (kind) {
    case Kind::null: return "empty";
    case Kind::list: return "a list";
    case Kind::map: return "a section";
    case Kind::scalar: break;
  }
  return quoted || find_unprintable(text) || text.size() > 80 ? pst::quoted(text, 80) : text;
}

std::string to_flow(const Node& node) {
  std::vector<std::string> parts;
  switch (node.kind) {
    case Node::Kind::null: return "null";
    case Node::Kind::scalar: return scalar_text(node);
    case Node::Kind::list:
      for (const auto& item : node.items) parts.push_back(to_flow(item));
      return "[" + join(parts, ", ") + "]";
    case Node::Kind::map:
      for (const auto& entry : node.entries) parts.push_back(key_text(entry.key) + ": " + to_flow(entry.value));
      return "{" + join(parts, ", ") + "}";
  }
  return {};
}

std::string to_yaml(const Node& node) {
  std::string out;
  write_block(node, "", out);
  return out;
}

}  // namespace pst::config
