// SPDX-License-Identifier: Apache-2.0
#include "nn/in_use.hpp"

#include "ops/backward_node.hpp"

namespace pst::nn {
namespace {

class CopyNode final : public ops::Node {
 protected:
  List backward(List& gradients) override {
    return {gradients[0].defined() ? gradients[0].to(at::kFloat) : at::Tensor()};
  }
  void release() override {}
};

}  // namespace

at::Tensor in_use(const Parameter& parameter) {
  if (parameter.compute.scalar_type() == parameter.value.scalar_type()) return parameter.value;
  const at::Tensor copy = parameter.compute.detach();
  if (ops::records({parameter.value})) ops::connect(std::make_shared<CopyNode>(), {parameter.value}, {copy});
  return copy;
}

}  // namespace pst::nn
