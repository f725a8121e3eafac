// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/rng.hpp"
#include "methods/method.hpp"
#include "nn/linear.hpp"
#include "nn/parameter.hpp"
#include "ops/backward_node.hpp"

namespace pst::peft {

using Tensors = std::vector<at::Tensor>;

/// A layer that gets an adapter, with what a method declared for it.
struct Site {
  std::unique_ptr<nn::Linear> base;
  std::string name;  ///< the layer's
  methods::Adapted adapted;
  std::vector<nn::Parameter*> trained;  ///< of its tensors, in their order
  std::vector<at::Tensor> frozen;       ///< those that are not trained; zeros before prepare()
  std::vector<nn::Parameter*> shared;   ///< that layers share, likewise
  std::vector<at::Tensor> shared_frozen;
};

/// A frozen layer inside a method that is written as operations of libtorch, which find their own gradients.
class AdaptedLinear : public nn::Linear {
 public:
  explicit AdaptedLinear(Site site) : site_(std::move(site)) {}

  std::int64_t in_features() const override { return site_.base->in_features(); }
  std::int64_t out_features() const override { return site_.base->out_features(); }
  /// The weight that it amounts to: the default asks run() about every input feature.
  at::Tensor weight(at::ScalarType dtype) const override;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override;

  /// Called once, before start() or a load: makes what is not trained and follows from the method's keys, or, where the
  /// method says that its layers read it, from the base's weight.
  virtual void prepare() {}
  /// Gives the layer's own trained values their start. @param rng  of the layer
  virtual void start(const Rng& rng) = 0;
  /// After start() or a load().
  virtual void loaded() {}

 protected:
  /// Differentiable in x and in `trained`: x [n, in] -> [n, out].
  /// @param trained  the layer's tensors as products use them, then those that layers share
  virtual at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const = 0;

  const nn::Linear& base() const { return *site_.base; }
  const methods::Adapted& adapted() const { return site_.adapted; }
  const Site& site() const { return site_; }
  /// A master to be given its start.
  at::Tensor master(std::size_t index) const { return site_.trained.at(index)->value; }
  /// Of its own tensors that are trained, then those that layers share.
  std::vector<const nn::Parameter*> parameters() const;
  Tensors in_use() const;   ///< of each what products use, differentiable
  Tensors floats() const;   ///< the same by themselves, in f32
  Tensors masters() const;  ///< their masters, by themselves
  /// floats() as leaves: a backward pass written by hand makes of them once more what forward made of the values.
  Tensors leaves() const;
  /// Gradients of `leaves`, by libtorch's rules, from those of what was made of them; undefined where nothing was.
  static Tensors gradients_of(const Tensors& leaves, const Tensors& made, const Tensors& gradients_of_made);
  /// x with some features zeroed in training, differentiable; the same ones for the same pass.
  at::Tensor dropped(const at::Tensor& x_ni, double chance, const nn::Pass& pass) const;
  /// Whether a layer is to be left out of this pass, by PEFT's module_dropout.
  bool is_left_out(double chance, const nn::Pass& pass) const;
  /// Puts a node between x, the trained values and y, where gradients are recorded.
  template <class Node, class... Kept>
  void record(const at::Tensor& x_ni, const at::Tensor& y_no, Kept&&... kept) const {
    std::vector<at::Tensor> inputs{x_ni};
    for (const nn::Parameter* const parameter : parameters()) inputs.push_back(parameter->value);
    if (ops::records(inputs))
      ops::connect(std::make_shared<Node>(std::forward<Kept>(kept)...), inputs, std::vector{y_no});
  }

 private:
  Site site_;
};

}  // namespace pst::peft
