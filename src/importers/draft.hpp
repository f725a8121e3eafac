// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/node.hpp"

namespace pst::importers {

/// A recipe being put together: only the keys that somebody set, in the order of docs/recipe.md. Each value's mark is
/// the place in the other program's file that it was made of.
class Draft {
 public:
  /// @param origin  asked at every value that is set
  explicit Draft(std::function<config::Mark()> origin) : origin_(std::move(origin)) {}

  void set(std::string_view path, config::Node value);  ///< `train.epochs`
  void set(std::string_view path, const std::string& text);
  void set(std::string_view path, const char* text) { set(path, std::string(text)); }
  void set(std::string_view path, double value);
  void set(std::string_view path, std::int64_t value);
  void set(std::string_view path, bool value);
  template <class T>
  void set(std::string_view path, const std::optional<T>& value) {
    if (value) set(path, *value);
  }
  void set_word(std::string_view path, const char* word);  ///< unquoted: auto, null, all-linear
  void add_source(std::string_view list, const std::string& path,
                  const char* format);  ///< to data.train, data.validation

  const config::Node* find(std::string_view path) const;
  const config::Node& tree() const { return tree_; }

 private:
  config::Node& at(std::string_view path);
  std::function<config::Mark()> origin_;
  config::Node tree_ = config::Node::map();
};

}  // namespace pst::importers
