// SPDX-License-Identifier: Apache-2.0
// BOFT: the input is turned by a product of sparse rotations before the frozen product, and outputs are scaled.
#include "methods/boft.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>

#include "nn/in_use.hpp"
#include "peft/blocks.hpp"
#include "peft/cayley.hpp"
#include "peft/input_linear.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: n rows (tokens), i features in, o features out, f factors, b blocks, k side of a block.
namespace pst::peft {
namespace {

/// The order in which factor `f` gives a row back. Pieces of half a block are sorted, in stretches of 2^f blocks: the
/// even ones, then the odd ones. @see arXiv:2311.06243, section 4
at::Tensor butterfly(std::int64_t inputs, std::int64_t block, std::int64_t f) {
  const std::int64_t stretch = block << f;
  return at::arange(inputs, at::kLong).view({inputs / stretch, -1, 2, block / 2}).transpose(1, 2).reshape({-1});
}

/// y = s * (W x R) + b, R the product of P_f diag(R_f1, ..., R_fb) P_f' of all factors f. @see arXiv:2311.06243
class BoftLinear final : public InputLinear {
 public:
  BoftLinear(Site given, double dropout) : InputLinear(std::move(given)), dropout_(dropout) {}

  void prepare() override {
    const nn::Parameter& r = *site().trained[0];
    bias_o_ = base().apply(at::zeros({1, in_features()}, r.compute.options()))[0];
    const std::int64_t factors = r.shape[0];
    for (std::int64_t f = 0; factors > 1 && f < factors; ++f) {
      writes_.push_back(butterfly(in_features(), r.shape[2], f).to(r.value.device()));
      reads_.push_back(at::argsort(writes_.back()));
    }
  }
  void start(const Rng&) override {
    master(0).zero_();
    master(1).fill_(1);
  }

  at::Tensor weight(at::ScalarType dtype) const override {
    return (InputLinear::weight(at::kFloat) * site().trained[1]->value.detach()).to(dtype);
  }
  at::Tensor apply(const at::Tensor& x_ni) const override { return scaled(InputLinear::apply(x_ni), scale()); }
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override {
    return InputLinear::apply_transposed(dy_no * scale());
  }
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override {
    return scaled(InputLinear::forward(x_ni, pass), nn::in_use(*site().trained[1]).view({-1}));
  }

 private:
  at::Tensor scale() const { return site().trained[1]->compute.detach().view({-1}); }
  at::Tensor scaled(const at::Tensor& y_no, const at::Tensor& s_o) const { return (y_no - bias_o_) * s_o + bias_o_; }

  Tensors matrices(const Tensors& trained, const nn::Pass& pass) const override {
    const at::Tensor& data_fbkk = trained[0];
    Tensors all;
    for (std::int64_t f = 0; f < data_fbkk.size(0); ++f)
      all.push_back(cayley(0.5 * (data_fbkk[f] - data_fbkk[f].transpose(1, 2))));
    if (pass.training && dropout_ > 0) {
      const Rng rng = pass.random.child(adapted().layer);
      at::Tensor& one = all[rng.below(all.size(), 0)];
      one = some_left_out(one, dropout_, rng.child("blocks"));
    }
    return all;
  }

  at::Tensor read(const at::Tensor& x_ni, std::size_t f) const {
    return reads_.empty() ? x_ni : at::index_select(x_ni, 1, reads_[f]);
  }
  at::Tensor write(const at::Tensor& z_ni, std::size_t f) const {
    return writes_.empty() ? z_ni : at::index_select(z_ni, 1, writes_[f]);
  }
  at::Tensor turned(const at::Tensor& x_ni, const Tensors& r) const override {
    at::Tensor z_ni = x_ni;
    for (std::size_t f = r.size(); f-- > 0;) z_ni = write(times_blocks(read(z_ni, f), r[f]), f);
    return z_ni;
  }
  at::Tensor turned_back(const at::Tensor& dz_ni, const Tensors& r) const override {
    at::Tensor dx_ni = dz_ni;
    for (std::size_t f = 0; f < r.size(); ++f) dx_ni = write(times_blocks(read(dx_ni, f), r[f].transpose(1, 2)), f);
    return dx_ni;
  }
  Tensors gradients(const at::Tensor& x_ni, const at::Tensor& dz_ni, const Tensors& r) const override {
    Tensors into(r.size()), all(r.size());
    at::Tensor z_ni = x_ni, dx_ni = dz_ni;
    for (std::size_t f = r.size(); f-- > 0;) {
      into[f] = read(z_ni, f);
      if (f > 0) z_ni = write(times_blocks(into[f], r[f]), f);
    }
    for (std::size_t f = 0; f < r.size(); ++f) {
      const at::Tensor of_product = read(dx_ni, f);
      all[f] = gradient_of_blocks(into[f], of_product, r[f]);
      if (f + 1 < r.size()) dx_ni = write(times_blocks(of_product, r[f].transpose(1, 2)), f);
    }
    return all;
  }

  double dropout_;
  Tensors reads_, writes_;  // of each factor; none where there is one, which reads as it is
  at::Tensor bias_o_;
};

}  // namespace

std::unique_ptr<Adapter> make_boft(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  const double dropout = recipe.as<methods::Boft>().boft_dropout;
  return adapt_linears(
      model, recipe, compute, device,
      {.wrap = [=](Site site) { return std::make_unique<BoftLinear>(std::move(site), dropout); }, .studies = true});
}

}  // namespace pst::peft
