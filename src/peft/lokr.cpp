// SPDX-License-Identifier: Apache-2.0
// LoKr: the update is the Kronecker product of two matrices.
#include "methods/lokr.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/kron.h>

#include "peft/delta_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

namespace pst::peft {
namespace {

/// y = W x + scale * (w1 (x) w2) x, where w1 and w2 may be products of rank r. @see Yeh et al. 2024, arXiv:2309.14859
class LokrLinear final : public DeltaLinear {
 public:
  LokrLinear(Site given, const methods::Lokr& keys) : DeltaLinear(std::move(given)), keys_(keys) {}

  /// w1 is zero, by its first factor where it has two.
  void start(const Rng& rng) override {
    master(0).zero_();
    for (std::size_t i = 1; i < adapted().tensors.size(); ++i) fill_kaiming(master(i), rng.child(i));
  }

 private:
  at::Tensor delta(const Tensors& t, const nn::Pass& pass) const override {
    std::size_t next = 0;
    const auto factor = [&] {
      const at::Tensor& first = t[next];
      const bool whole = !adapted().tensors[next].name.ends_with("_a");
      next += whole ? 1 : 2;
      return whole ? first : first.mm(t[next - 1]);
    };
    const at::Tensor w1 = factor(), w2 = factor();
    return rows_dropped(at::kron(w1, w2) * adapted().scale, keys_.rank_dropout,
                        keys_.rank_dropout_scale ? RowScale::by_mean : RowScale::none, pass);
  }
  double module_dropout() const override { return keys_.module_dropout; }
  methods::Lokr keys_;
};

}  // namespace

std::unique_ptr<Adapter> make_lokr(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  return adapt_linears(model, recipe, compute, device, {.wrap = [keys = recipe.as<methods::Lokr>()](Site site) {
                         return std::make_unique<LokrLinear>(std::move(site), keys);
                       }});
}

}  // namespace pst::peft
