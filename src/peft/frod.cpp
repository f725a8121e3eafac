// SPDX-License-Identifier: Apache-2.0
// FROD: the weight in a basis that layers share, of which the diagonal and some values beside it are trained.
#include "methods/frod.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_pinv.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_solve_ex.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "peft/delta_linear.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/torch_random.hpp"

// Shape letters: i features in, o features out, t trained places of the sparse matrix.
namespace pst::peft {
namespace {

/// The basis that layers of one kind share, as PEFT makes it of their weights [o, i].
at::Tensor basis_of(const Tensors& weights, double ridge) {
  const at::Tensor all = at::cat(weights);
  if (all.size(0) < all.size(1)) return std::get<2>(at::linalg_svd(all, /*full_matrices=*/true)).t();
  const auto [q, r_ii] = at::linalg_qr(all);
  const at::Tensor ridge_ii = ridge * at::eye(r_ii.size(0), r_ii.options());
  at::Tensor sum_ii = at::zeros_like(r_ii);
  std::int64_t begin = 0;
  for (const at::Tensor& weight : weights) {
    const at::Tensor part = q.narrow(0, begin, weight.size(0));
    sum_ii += at::linalg_inv(part.t().matmul(part) + ridge_ii);
    begin += weight.size(0);
  }
  sum_ii /= static_cast<double>(weights.size());
  return r_ii.t().matmul(std::get<1>(at::linalg_eigh(sum_ii)));
}

/// Places beside the diagonal of a matrix with `side` rows, in PEFT's order: [2, t].
at::Tensor drawn_places(std::int64_t side, std::int64_t count, at::Generator& numbers) {
  const at::Tensor chosen_t = at::randperm(side * side - side, numbers, at::kLong).narrow(0, 0, count);
  const at::Tensor rows_t = chosen_t.div(side - 1, "floor"), left_t = chosen_t - rows_t * (side - 1);
  return at::stack({rows_t, left_t + (left_t >= rows_t).to(at::kLong)});
}

/// y = W x + U (S + diag(l - l0)) V' dropout(x), where U diag(l0) V' is W: PEFT computes U (S + diag(l)) V' x, which is
/// the same but for rounding. V is shared, U has columns of length 1, S is zero but for the trained values.
class FrodLinear final : public DeltaLinear {
 public:
  explicit FrodLinear(Site given) : DeltaLinear(std::move(given)) {}

  void start(const Rng&) override {
    split_base();
    master(0).copy_(start_i());
    master(1).zero_();
  }
  /// @throws Error(data) for places that a file cannot have got from PEFT, or a basis that is none
  void loaded() override {
    const at::Tensor size = site().shared_frozen[2];
    const auto side = in_features();
    if (size[0].item().toLong() != side || size[1].item().toLong() != side)
      throw Error(Fault::data,
                  cat("the tensor frod_s_size of ", site().name, " is not [", side, ", ", side, "], its inputs"),
                  "copy the adapter's folder again");
    const at::Tensor rows_t = places()[0], columns_t = places()[1];
    flat_t_ = rows_t * side + columns_t;
    const bool inside = rows_t.min().item().toLong() >= 0 && rows_t.max().item().toLong() < side &&
                        columns_t.min().item().toLong() >= 0 && columns_t.max().item().toLong() < side;
    if (!inside || (std::get<0>(flat_t_.sort()).diff() == 0).any().item().toBool())
      throw Error(
          Fault::data,
          cat("the tensor frod_s_indices of ", site().name, " names places outside of the sparse matrix, or one twice"),
          "copy the adapter's folder again");
    if (!std::exchange(is_split_, false)) split_base();
    if (!start_i().isfinite().all().item().toBool())
      throw Error(Fault::data, cat("the tensor frod_V of ", site().name, " is no basis of its inputs"),
                  "copy the adapter's folder again");
  }

 private:
  const at::Tensor& u_oi() const { return site().frozen[0]; }
  const at::Tensor& start_i() const { return site().frozen[1]; }
  const at::Tensor& v_ii() const { return site().shared_frozen[0]; }
  const at::Tensor& places() const { return site().shared_frozen[1]; }

  /// W = U diag(l0) V'.
  void split_base() {
    const at::Tensor v = v_ii().to(at::kDouble), w_oi = base().weight(at::kFloat).to(at::kDouble);
    auto [b_io, info] = at::linalg_solve_ex(v, w_oi.t());
    if (info.item().toLong() != 0) b_io = at::linalg_pinv(v, /*rcond=*/1e-6).matmul(w_oi.t());
    const at::Tensor b_oi = b_io.t(), l_i = b_oi.norm(2, {0}, /*keepdim=*/false);
    is_split_ = true;
    start_i().copy_(l_i);
    u_oi().copy_(at::where(l_i > 1e-12, b_oi / l_i, at::zeros_like(b_oi)));
  }
  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor none = at::zeros({in_features() * in_features()}, trained[1].options());
    const at::Tensor sparse_ii = at::index_copy(none, 0, flat_t_, trained[1]).view({in_features(), in_features()});
    const at::Tensor m_ii = sparse_ii + at::diag(trained[0] - start_i());
    return u_oi().matmul(m_ii).matmul(v_ii().t());
  }
  double dropout() const override { return adapted().dropout; }

  at::Tensor flat_t_;
  bool is_split_ = false;  // by start(), which loaded() follows
};

/// A layer's base, for the bases that all are needed for.
struct Base {
  const nn::Linear* linear;
  std::size_t layer;
};

}  // namespace

std::unique_ptr<Adapter> make_frod(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  const auto keys = recipe.as<methods::Frod>();
  const std::vector<methods::LinearLayer> layers = places_of(model).linears;
  const auto groups = methods::frod_groups(keys, layers, methods::adapt(recipe, layers));
  const auto bases = std::make_shared<std::vector<Base>>();
  const auto wrap = [=](Site site) {
    bases->push_back({site.base.get(), site.adapted.layer});
    const std::string category = methods::frod_category(site.name);
    for (std::size_t i = 0; i < groups.size(); ++i)
      if (groups[i].category == category)
        site.shared_frozen = {site.shared_frozen[3 * i], site.shared_frozen[3 * i + 1], site.shared_frozen[3 * i + 2]};
    return std::make_unique<FrodLinear>(std::move(site));
  };
  const auto project = [=, &model](const Tensors& frozen) {
    at::Generator numbers = torch_generator(static_cast<std::uint64_t>(keys.projection_prng_key));
    for (std::size_t i = 0; i < groups.size(); ++i) {
      Tensors weights;
      for (const std::size_t index : groups[i].adapted) {
        const auto& [linear, layer] = bases->at(index);
        model.make_readable(layer);
        weights.push_back(linear->weight(at::kFloat).to(at::kCPU, at::kFloat, /*non_blocking=*/false, /*copy=*/true));
      }
      frozen[3 * i].copy_(basis_of(weights, keys.regularization_alpha));
      if (groups[i].places > 0) frozen[3 * i + 1].copy_(drawn_places(groups[i].in, groups[i].places, numbers));
      frozen[3 * i + 2].fill_(groups[i].in);
    }
  };
  return adapt_linears(model, recipe, compute, device, {.wrap = wrap, .project_shared = project, .studies = true});
}

}  // namespace pst::peft
