// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace pst::config {

/// A place in a file (column 0: the whole line), or an override on the command line (line 0: the name says it all).
struct Mark {
  std::shared_ptr<const std::string> source;
  int line = 0, column = 0;  ///< from 1

  std::string text() const;  ///< "recipe.yaml:14:5"
};

/// Collects everything that is wrong, so that a user corrects a file once and not ten times.
class Problems {
 public:
  void add(const Mark& where, const std::string& what);  ///< the same at the same place is told once

  bool empty() const { return count_ == 0; }
  std::size_t count() const { return count_; }
  bool is_full() const { return shown_.size() == kShown; }  ///< what is added now is counted and not shown
  /// "<place>: <what>", file by file in the order of the lines; the first kShown that were added.
  std::vector<std::string> lines() const;

  /// Throws Error(fault) listing all of them, one a line, ending in "(2 problems, nothing started)"; nothing when
  /// empty.
  void throw_if_any(Fault fault = Fault::usage) const;

 private:
  static constexpr std::size_t kShown = 50;  // a file of another program has hundreds of unknown keys
  std::vector<std::pair<Mark, std::string>> shown_;
  std::size_t count_ = 0;
};

}  // namespace pst::config
