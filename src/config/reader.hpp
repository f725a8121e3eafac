// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "config/fields.hpp"
#include "config/node.hpp"

namespace pst::config {

/// Where every key of a document stands, for checks that compare several of them.
class Places {
 public:
  void put(const std::string& path, const Mark& mark) { marks_[path] = mark; }
  void put_wrong(const std::string& path) { wrong_.insert(path); }
  /// True when the value of `path` was refused, so that the target holds its default.
  bool is_wrong(const std::string& path) const { return wrong_.count(path) != 0; }
  bool has(const std::string& path) const { return marks_.count(path) != 0; }
  /// The place of `path`, or of the nearest section around it.
  Mark of(std::string path) const;

 private:
  std::map<std::string, Mark> marks_;
  std::set<std::string> wrong_;
};

/// What to tell about a key that nothing asked for: "write adapter.alpha". Nothing: the nearest spelling is offered.
using Advice = std::function<std::optional<std::string>(const std::string& path)>;

/// Reads `document` into what `bind_it` binds. Mistakes are added to `problems`; a value with one keeps its default.
Places read_section(const Node& document, const std::function<void(Fields&)>& bind_it, Problems& problems,
                    const Advice& advice = {});

template <Section S>
Places read(const Node& document, S& target, Problems& problems, const Advice& advice = {}) {
  return read_section(
      document, [&](Fields& fields) { bind(fields, target); }, problems, advice);
}

}  // namespace pst::config
