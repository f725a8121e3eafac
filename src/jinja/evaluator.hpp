// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "jinja/ast.hpp"
#include "jinja/library.hpp"
#include "jinja/scope.hpp"

namespace pst::jinja {

/// Gives expressions their values. What a macro does is statements, which are the derived class's.
class Evaluator {
 protected:
  Evaluator(std::shared_ptr<Scope> scope, const std::optional<Day>& today) : scope_(std::move(scope)), today_(today) {}
  virtual ~Evaluator() = default;
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  Value evaluate(const Expression& e);
  Given evaluate(const Arguments& arguments);
  /// @param caller  what `caller` is inside of it; null when there is none
  virtual Value call_macro(const Macro& macro, const Given& given, const Value* caller) = 0;
  /// loop(items), in a recursive loop.
  virtual Value call_loop(const LoopState& loop, const Value& items) = 0;
  Value call_value(const Value& callee, const Given& given);
  /// What a call is about to call: its callee, or the method of its object.
  Value callee_of(const Expression& call);

  const Value* find(const Name& name);  ///< a variable; null when there is none

  /// One more expression or statement under way, until the end of a C++ block.
  class Level {
   public:
    explicit Level(int& depth);  ///< @throws Error(data) when too much is under way
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int& depth_;
  };

  Budget budget_;
  std::shared_ptr<Scope> scope_;
  std::optional<Day> today_;
  int line_ = 1;
  int depth_ = 0;

 private:
  Value look_up(const Name& name);
  void add_members(Given& given, const Value& members);
  std::vector<Value> all(const std::vector<ExpressionPtr>& parts);
  Value dict(const Expression& e);
  Value attribute(const Value& object, const Name& name);
  static Value loop_attribute(const LoopState& loop, const Name& name);
  Value item(const Expression& e);
  Value slice(const Expression& e);
  Value call(const Expression& e);
  Value method(const Expression& e);
  Value loop_method(LoopState& loop, const Name& name, const Given& given);
  Value filter(const Expression& e);
  Value test(const Expression& e);
  static Value plus(const Value& value);
  Value binary(Operation operation, const Expression& e);
  Value concatenation(const Expression& e);
  Value comparison(const Expression& e);
};

}  // namespace pst::jinja
