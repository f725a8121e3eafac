// SPDX-License-Identifier: Apache-2.0
#include "ops/columns.hpp"

#include <ATen/ops/empty.h>

#include "ops/backward_node.hpp"

namespace pst::ops {
namespace {

/// Columns [begin, begin + width) of each group, as a view of [n, groups, width].
at::Tensor part_of(const at::Tensor& x, std::int64_t groups, std::int64_t begin, std::int64_t width) {
  return x.view({x.size(0), groups, x.size(1) / groups}).narrow(2, begin, width);
}

class SplitNode final : public Node {
 public:
  std::vector<std::int64_t> sizes, widths;
  std::int64_t groups = 1;

 protected:
  List backward(List& gradients) override {
    at::Tensor dx;
    for (const at::Tensor& gradient : gradients)
      if (gradient.defined() && !dx.defined()) dx = at::empty(sizes, gradient.options());
    if (!dx.defined()) return List(1);
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < widths.size(); begin += widths[i++]) {
      at::Tensor to = part_of(dx, groups, begin, widths[i]);
      if (gradients[i].defined())
        to.copy_(gradients[i].view(to.sizes()));
      else
        to.zero_();
    }
    return {dx};
  }
  void release() override {}
};

}  // namespace

std::vector<at::Tensor> split_columns(const at::Tensor& x, std::int64_t groups,
                                      const std::vector<std::int64_t>& widths) {
  const trace::Scope span(trace::Kind::linear, "split");
  std::vector<at::Tensor> parts;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    std::int64_t begin = 0;
    for (const std::int64_t width : widths) {
      parts.push_back(part_of(x, groups, begin, width).contiguous().view({x.size(0), groups * width}));
      begin += width;
    }
    PST_ASSERT(begin * groups == x.size(1), "the parts make the whole row");
  }
  if (records({x})) {
    const auto node = std::make_shared<SplitNode>();
    node->sizes = x.sizes().vec();
    node->widths = widths;
    node->groups = groups;
    const std::vector<at::Tensor> inputs = {x};
    connect(node, std::span(inputs), std::span(parts));
  }
  return parts;
}

}  // namespace pst::ops
