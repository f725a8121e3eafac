// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "jinja/ast.hpp"

namespace pst::jinja {

/// Names and values; a name that is not here is looked for outside.
struct Scope {
  std::vector<std::pair<Name, Value>> names;
  std::shared_ptr<Scope> outside;

  const Value* find(const Name& name) const {
    for (const Scope* scope = this; scope; scope = scope->outside.get())
      for (const auto& [key, value] : scope->names)
        if (key == name) return &value;
    return nullptr;
  }
  void set(const Name& name, Value value) {
    for (auto& [key, present] : names)
      if (key == name) {
        present = std::move(value);
        return;
      }
    names.emplace_back(name, std::move(value));
  }
};

/// What `macro` defines, or the body of a `call` block. It sees the names around its definition, as they are when it
/// runs.
struct Macro {
  const Statement* definition;
  std::weak_ptr<Scope> scope;  // weak: the scope holds the macro
};

/// The variable `loop`.
struct LoopState {
  std::vector<Value> items;
  std::size_t at = 0;
  std::optional<std::vector<Value>> last_changed;
};

}  // namespace pst::jinja
