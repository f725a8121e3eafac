// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <future>
#include <map>
#include <string>

namespace pst::cluster {

/// Asks nodes whether a program can still be started there, several at once. A dead node takes seconds not to answer,
/// so that it is asked as soon as there is a suspicion, while the attempt that it ended is still being cleared away.
class RollCall {
 public:
  using Question = std::function<bool(const std::string& node)>;  ///< called from several threads
  explicit RollCall(Question question) : question_(std::move(question)) {}

  /// Begins to ask; a node that was asked before is not asked again until forget().
  void ask(const std::string& node);
  /// The answer, when it is there; asks where nobody has.
  bool answers(const std::string& node);
  void settle();                     ///< waits until every answer is there
  void forget() { asked_.clear(); }  ///< waits for answers that are under way

 private:
  Question question_;
  std::map<std::string, std::shared_future<bool>> asked_;
};

}  // namespace pst::cluster
