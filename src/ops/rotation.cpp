// SPDX-License-Identifier: Apache-2.0
#include "ops/rotation.hpp"
#include "kernels/rope/rope.hpp"
#include "ops/attention.hpp"
#include "ops/backward_node.hpp"

namespace pst::ops {
namespace {

class RotationNode final : public Node {
 public:
  std::int64_t heads = 0;
  at::Tensor rows;
  RopeTable table;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(1);
    at::Tensor dx = gradients[0].clone(at::MemoryFormat::Contiguous);  // others may hold what arrives here
    turn_back(dx, heads, rows, table);
    return {dx};
  }
  void release() override {}
};

void turn(const at::Tensor& x, std::int64_t heads, const at::Tensor& rows, const RopeTable& table,
          kernels::Turn direction) {
  const kernels::Rotated shape{.heads = heads,
                               .dim = x.size(1) / heads,
                               .half = table.cosines.size(1),
                               .pairs = table.neighbours ? kernels::Pairs::neighbours : kernels::Pairs::halves};
  kernels::rope(exec_of(x), view_of(x), shape, view_of(rows), view_of(table.cosines), view_of(table.sines), direction);
}

}  // namespace

void rotate(const at::Tensor& x, std::int64_t heads, const at::Tensor& rows, const RopeTable& table) {
  turn(x, heads, rows, table, kernels::Turn::forward);
}
void turn_back(const at::Tensor& x, std::int64_t heads, const at::Tensor& rows, const RopeTable& table) {
  turn(x, heads, rows, table, kernels::Turn::back);
}

at::Tensor rotated(at::Tensor x, std::int64_t heads, const at::Tensor& rows, const RopeTable& table) {
  const trace::Scope span(trace::Kind::attention, "rope");
  at::Tensor out = x.detach();  // the same memory
  rotate(out, heads, rows, table);
  if (records({x})) {
    const auto node = std::make_shared<RotationNode>();
    node->heads = heads;
    node->rows = rows;
    node->table = table;
    connect(node, {x}, {out});
  }
  return out;
}

}  // namespace pst::ops
