// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "jinja/ast.hpp"

namespace pst::jinja {

/// Names and values; a name that is not here is looked for outside.
struct Scope {
  Names names;
  std::shared_ptr<Scope> outside;

  /// @param compared  grows by the names that it was compared with, at most
  const Value* find(const Name& name, std::int64_t& compared) const {
    for (const Scope* scope = this; scope; scope = scope->outside.get()) {
      compared += static_cast<std::int64_t>(scope->names.walk()) + 1;
      if (const Value* const found = scope->names.find(name)) return found;
    }
    return nullptr;
  }
  void set(const Name& name, Value value) { names.set(name, std::move(value)); }
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
  std::int64_t depth0 = 0;               // calls of recursive loops that it is inside of
  const Statement* recursive = nullptr;  // what loop(...) runs, where it may be called
  std::weak_ptr<Scope> outside;          // of it; weak, as in Macro
  std::optional<std::vector<Value>> last_changed;
};

}  // namespace pst::jinja
