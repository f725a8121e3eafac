// SPDX-License-Identifier: Apache-2.0
// WaveFT: some values of the update's wavelet transform are trained.
#include "methods/waveft.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/index_copy.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include "methods/wavelets.hpp"
#include "peft/delta_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/torch_random.hpp"

// Shape letters: i features in, o features out, f trained coefficients; r rows and c columns of all coefficients.
namespace pst::peft {
namespace {

std::int64_t even(std::int64_t size) { return size + size % 2; }

/// Two bands of half the length along a dimension as one signal: each value spreads the wavelet's filter over every
/// second place, without the places that the filter's ends alone reach.
at::Tensor joined(std::span<const double> filter, const at::Tensor& low, const at::Tensor& high, std::int64_t dim) {
  const auto taps = static_cast<std::int64_t>(filter.size()), half = taps / 2, count = low.size(dim) + 1 - half;
  at::Tensor places[2];
  for (std::int64_t odd = 0; odd < 2; ++odd)
    for (std::int64_t i = 0; i < half; ++i) {
      const auto tap = static_cast<std::size_t>(odd + 2 * i);
      const double of_low = filter[tap], of_high = (odd == 0 ? 1 : -1) * filter[filter.size() - 1 - tap];
      const std::int64_t from = half - 1 - i;
      const at::Tensor part = low.narrow(dim, from, count) * of_low + high.narrow(dim, from, count) * of_high;
      places[odd] = i == 0 ? part : places[odd] + part;
    }
  std::vector<std::int64_t> shape = places[0].sizes().vec();
  shape[static_cast<std::size_t>(dim)] *= 2;
  return at::stack({places[0], places[1]}, dim + 1).reshape(shape);
}

/// y = W x + scale * T x, T what the inverse wavelet transform makes of a matrix that is zero but for the trained
/// coefficients. @see Bilican et al. 2025, arXiv:2505.12532, section 3
class WaveftLinear final : public DeltaLinear {
 public:
  WaveftLinear(Site given, const methods::Waveft& keys) : DeltaLinear(std::move(given)), keys_(keys) {
    if (!keys_.use_idwt) return;
    filter_ = methods::find_wavelet(keys_.wavelet_family)->filter;
    const auto more = static_cast<std::int64_t>(filter_.size()) - 2;
    rows_ = even(out_features() + more);
    columns_ = even(in_features() + more);
  }

  /// Drawn in the weight's own size, which lies in the middle of that with what the filter's ends need.
  void prepare() override {
    const at::Tensor drawn_f = random_places(out_features() * in_features(), master(0).size(0),
                                             static_cast<std::uint64_t>(keys_.frequencies.random_loc_seed));
    const at::Tensor row_f = drawn_f.div(in_features(), "floor"), column_f = drawn_f - row_f * in_features();
    const std::int64_t above = (rows() - out_features()) / 2, left = (columns() - in_features()) / 2;
    places_f_ = ((row_f + above) * columns() + column_f + left).to(master(0).device());
  }
  void start(const Rng& rng) override {
    if (keys_.init_weights)
      master(0).zero_();
    else
      fill_normal(master(0), 0.01, rng.child(0));
  }

 private:
  std::int64_t rows() const { return filter_.empty() ? out_features() : rows_; }
  std::int64_t columns() const { return filter_.empty() ? in_features() : columns_; }

  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor none = at::zeros({rows() * columns()}, trained[0].options());
    const at::Tensor all_rc = at::index_copy(none, 0, places_f_, trained[0]).view({rows(), columns()});
    if (filter_.empty()) return all_rc * adapted().scale;
    const std::int64_t h = rows() / 2, w = columns() / 2;
    const auto band = [&](std::int64_t row, std::int64_t column) {
      return all_rc.narrow(0, row * h, h).narrow(1, column * w, w);
    };
    // PEFT's order: the upper right band is high along rows and low along columns.
    const at::Tensor low = joined(filter_, band(0, 0), band(1, 0), 1),
                     high = joined(filter_, band(0, 1), band(1, 1), 1);
    const at::Tensor whole = joined(filter_, low, high, 0);
    return whole.narrow(0, 0, out_features()).narrow(1, 0, in_features()) * adapted().scale;
  }

  methods::Waveft keys_;
  std::span<const double> filter_;  // empty: coefficients are values of the update
  std::int64_t rows_ = 0, columns_ = 0;
  at::Tensor places_f_;  // int64, in the matrix of coefficients, row by row
};

}  // namespace

std::unique_ptr<Adapter> make_waveft(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                     at::Device device) {
  const auto keys = recipe.as<methods::Waveft>();
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return std::make_unique<WaveftLinear>(std::move(site), keys); }});
}

}  // namespace pst::peft
