// SPDX-License-Identifier: Apache-2.0
#include "cluster/roll_call.hpp"

namespace pst::cluster {

void RollCall::ask(const std::string& node) {
  if (question_ && asked_.count(node) == 0) asked_[node] = std::async(std::launch::async, question_, node).share();
}

bool RollCall::answers(const std::string& node) {
  ask(node);
  return !question_ || asked_.at(node).get();
}

void RollCall::settle() {
  for (const auto& [node, answer] : asked_) answer.wait();
}

}  // namespace pst::cluster
