// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

#include "nn/linear.hpp"

namespace pst::peft {

/// A frozen layer whose input somebody looks at whenever it passes forward.
class WatchedLinear final : public nn::Linear {
 public:
  using Look = std::function<void(const at::Tensor& x_ni)>;
  WatchedLinear(std::unique_ptr<nn::Linear> base, Look look) : base_(std::move(base)), look_(std::move(look)) {}
  std::unique_ptr<nn::Linear> give_back() { return std::move(base_); }

  std::int64_t in_features() const override { return base_->in_features(); }
  std::int64_t out_features() const override { return base_->out_features(); }
  at::Tensor weight(at::ScalarType dtype) const override { return base_->weight(dtype); }
  at::Tensor apply(const at::Tensor& x_ni) const override { return base_->apply(x_ni); }
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override { return base_->apply_transposed(dy_no); }
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override {
    look_(x_ni);
    return base_->forward(x_ni, pass);
  }

 private:
  std::unique_ptr<nn::Linear> base_;
  Look look_;
};

/// Wrappers around layers of a model, while this lives.
template <class Wrapper>
class Wrapped {
 public:
  Wrapped() = default;
  ~Wrapped() {
    for (auto& [slot, wrapper] : places_) *slot = wrapper->give_back();
  }
  Wrapped(const Wrapped&) = delete;
  Wrapped& operator=(const Wrapped&) = delete;
  template <class... Rest>
  void add(std::unique_ptr<nn::Linear>& slot, Rest&&... rest) {
    auto wrapper = std::make_unique<Wrapper>(std::move(slot), std::forward<Rest>(rest)...);
    places_.emplace_back(&slot, wrapper.get());
    slot = std::move(wrapper);
  }

 private:
  std::vector<std::pair<std::unique_ptr<nn::Linear>*, Wrapper*>> places_;
};

}  // namespace pst::peft
