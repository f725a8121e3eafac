// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/constraint.hpp"
#include "config/node.hpp"

namespace pst::config {

/// What a reader of one value knows: which key it is, what it must be, and where to complain.
struct Reading {
  std::string path;  ///< "optimizer.betas"
  const Constraint& constraint;
  Problems& problems;

  /// Adds "<path> is <value>; it must be <wish>" at the value's place. @return false, for `return reading.wrong(...)`
  bool wrong(const Node& node, const std::string& wish, const std::string& advice = {}) const;
  Reading inside(const std::string& part) const { return {path + part, constraint, problems}; }

  bool check_number(const Node& node, double value) const;
  bool check_text(const Node& node) const;
  bool check_size(const Node& node, std::size_t size) const;
};

/// How a type is written in YAML. A type of its own gets a specialisation; an enum gets a table of words:
/// `std::vector<std::pair<const char*, Colour>> words_of(Colour)` in its own namespace.
template <class T>
struct YamlValue;

bool read_bool(const Node& node, bool& value, const Reading& reading);
bool read_signed(const Node& node, std::int64_t& value, std::int64_t least, std::int64_t most, const Reading& reading);
bool read_unsigned(const Node& node, std::uint64_t& value, const Reading& reading);
bool read_double(const Node& node, double& value, const Reading& reading);
bool read_string(const Node& node, std::string& value, const Reading& reading);
bool read_word(const Node& node, std::size_t& index, const std::vector<std::string>& words, const Reading& reading);
bool is_list(const Node& node, const Reading& reading, const std::string& of_what);
bool check_key(const Node::Entry& entry, const Reading& reading);
std::string number_text(double value);
/// "a, b or c".
std::string either(const std::vector<std::string>& words);

template <>
struct YamlValue<bool> {
  static std::string type() { return "true or false"; }
  static bool read(const Node& node, bool& value, const Reading& reading) { return read_bool(node, value, reading); }
  static Node write(bool value) { return Node::scalar(value ? "true" : "false"); }
};

template <class T>
requires(std::is_integral_v<T>&& std::is_signed_v<T>) struct YamlValue<T> {
  static std::string type() { return "integer"; }
  static bool read(const Node& node, T& value, const Reading& reading) {
    std::int64_t wide = 0;
    using Limits = std::numeric_limits<T>;
    if (!read_signed(node, wide, Limits::min(), Limits::max(), reading)) return false;
    value = static_cast<T>(wide);
    return true;
  }
  static Node write(T value) { return Node::scalar(std::to_string(value)); }
};

template <>
struct YamlValue<std::uint64_t> {
  static std::string type() { return "integer"; }
  static bool read(const Node& node, std::uint64_t& value, const Reading& reading) {
    return read_unsigned(node, value, reading);
  }
  static Node write(std::uint64_t value) { return Node::scalar(std::to_string(value)); }
};

template <>
struct YamlValue<double> {
  static std::string type() { return "number"; }
  static bool read(const Node& node, double& value, const Reading& reading) {
    return read_double(node, value, reading);
  }
  static Node write(double value) { return Node::scalar(number_text(value)); }
};

template <>
struct YamlValue<std::string> {
  static std::string type() { return "text"; }
  static bool read(const Node& node, std::string& value, const Reading& reading) {
    return read_string(node, value, reading);
  }
  static Node write(const std::string& value) { return Node::string(value); }
};

template <class E>
requires std::is_enum_v<E>
struct YamlValue<E> {
  static std::vector<std::string> words() {
    std::vector<std::string> all;
    for (const auto& [word, value] : words_of(E{})) all.emplace_back(word);
    return all;
  }
  static std::string type() {
    std::string all;
    for (const auto& word : words()) all += (all.empty() ? "`" : ", `") + word + "`";
    return all;
  }
  static bool read(const Node& node, E& value, const Reading& reading) {
    std::size_t index = 0;
    if (!read_word(node, index, words(), reading)) return false;
    value = words_of(E{})[index].second;
    return true;
  }
  static Node write(E value) {
    for (const auto& [word, candidate] : words_of(E{}))
      if (candidate == value) return Node::scalar(word);
    return {};
  }
};

template <class T>
struct YamlValue<std::vector<T>> {
  static std::string type() { return "list of " + YamlValue<T>::type(); }
  static bool read(const Node& node, std::vector<T>& value, const Reading& reading) {
    if (!is_list(node, reading, YamlValue<T>::type())) return false;
    if (!reading.check_size(node, node.items.size())) return false;
    std::vector<T> read_values(node.items.size());
    bool good = true;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const auto inside = reading.inside("[" + std::to_string(i) + "]");
      good = YamlValue<T>::read(node.items[i], read_values[i], inside) && good;
    }
    if (good) value = std::move(read_values);
    return good;
  }
  static Node write(const std::vector<T>& value) {
    Node list = Node::list();
    for (const auto& item : value) list.items.push_back(YamlValue<T>::write(item));
    return list;
  }
};

template <class T, std::size_t N>
struct YamlValue<std::array<T, N>> {
  static std::string type() { return "list of " + std::to_string(N) + " x " + YamlValue<T>::type(); }
  static bool read(const Node& node, std::array<T, N>& value, const Reading& reading) {
    if (!is_list(node, reading, YamlValue<T>::type())) return false;
    if (node.items.size() != N)
      return reading.wrong(node, "a list of " + std::to_string(N) + " values",
                           "this one has " + std::to_string(node.items.size()));
    bool good = true;
    for (std::size_t i = 0; i < N; ++i)
      good = YamlValue<T>::read(node.items[i], value[i], reading.inside("[" + std::to_string(i) + "]")) && good;
    return good;
  }
  static Node write(const std::array<T, N>& value) {
    return YamlValue<std::vector<T>>::write(std::vector<T>(value.begin(), value.end()));
  }
};

template <class T>
struct YamlValue<std::map<std::string, T>> {
  static std::string type() { return "map from text to " + YamlValue<T>::type(); }
  static bool read(const Node& node, std::map<std::string, T>& value, const Reading& reading) {
    if (node.kind != Node::Kind::map) return reading.wrong(node, "a map, such as {name: value}");
    std::map<std::string, T> read_values;
    bool good = true;
    for (const auto& entry : node.entries) {
      if (!check_key(entry, reading)) return false;
      good = YamlValue<T>::read(entry.value, read_values[entry.key], reading.inside("." + entry.key)) && good;
    }
    if (good) value = std::move(read_values);
    return good;
  }
  static Node write(const std::map<std::string, T>& value) {
    Node map = Node::map();
    for (const auto& [key, item] : value) map.entries.push_back({key, {}, YamlValue<T>::write(item)});
    return map;
  }
};

}  // namespace pst::config
