// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_start.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <functional>

#include "peft/fill.hpp"
#include "peft/singular.hpp"

// Shape letters: i features in, o features out, r rank, k columns of a sketch.
namespace pst::peft {
namespace {

using methods::LoraInit;

at::Tensor normal(std::int64_t rows, std::int64_t columns, double deviation, const Rng& rng) {
  const at::Tensor values = at::empty({rows, columns}, at::kFloat);
  fill_normal(values, deviation, rng);
  return values;
}

/// The largest only, from a sketch that `rounds` products with the matrix have turned towards them.
/// @see Halko et al. 2011, arXiv:0909.4061, algorithms 4.4 and 5.1
Singular singular_fast(const at::Tensor& weight_oi, std::int64_t r, int rounds, const Rng& rng) {
  constexpr std::int64_t kMore = 10;
  const std::int64_t k = std::min({r + kMore, weight_oi.size(0), weight_oi.size(1)});
  const auto basis = [](const at::Tensor& columns) { return std::get<0>(at::linalg_qr(columns)); };
  at::Tensor q_ok = basis(weight_oi.mm(normal(weight_oi.size(1), k, 1, rng).to(weight_oi.device())));
  for (int i = 0; i < rounds; ++i) q_ok = basis(weight_oi.mm(basis(weight_oi.t().mm(q_ok))));
  const Singular small = largest_singular(q_ok.t().mm(weight_oi), r);
  return {q_ok.mm(small.u_or), small.s_r, small.v_ri};
}

/// Meng et al. 2024, arXiv:2404.02948: the largest singular values, half on each side.
LowRank pissa(const Singular& of, double scale) {
  const at::Tensor root_r = (of.s_r / scale).sqrt();
  return {root_r.unsqueeze(1) * of.v_ri, of.u_or * root_r};
}

/// Both in halves of one orthogonal basis, so that B A is zero. @see PEFT's init_lora_weights: orthogonal
LowRank orthogonal(std::int64_t r, std::int64_t in, std::int64_t out, const Rng& rng) {
  const at::Tensor q_rr = std::get<0>(at::linalg_qr(normal(r, r, 1, rng.child(0))));
  const at::Tensor even = q_rr.slice(0, 0, r, 2), odd = q_rr.slice(0, 1, r, 2);
  return {even.t().mm(normal(r / 2, in, 0.1, rng.child(1))), normal(out, r / 2, 0.1, rng.child(2)).mm(odd)};
}

}  // namespace

LowRank lora_start(LoraInit init, std::int64_t r, std::int64_t in, std::int64_t out, double scale,
                   const std::function<at::Tensor()>& weight, const Rng& rng) {
  const at::Tensor a_ri = at::zeros({r, in}, at::kFloat), no_b_or = at::zeros({out, r}, at::kFloat);
  switch (init) {
    case LoraInit::kaiming: fill_kaiming(a_ri, rng); break;
    case LoraInit::gaussian: fill_normal(a_ri, 1.0 / static_cast<double>(r), rng); break;
    case LoraInit::eva:
    case LoraInit::corda:
    case LoraInit::lora_ga: return {a_ri, no_b_or};  // zeros: whoever has data finds the values
    case LoraInit::orthogonal: return orthogonal(r, in, out, rng);
    case LoraInit::mica: return {a_ri, smallest_singular(weight(), r)};
    case LoraInit::loftq:
    case LoraInit::pissa: return pissa(largest_singular(weight(), r), scale);
    case LoraInit::pissa_niter_4: return pissa(singular_fast(weight(), r, 4, rng), scale);
    case LoraInit::pissa_niter_16: return pissa(singular_fast(weight(), r, 16, rng), scale);
    case LoraInit::olora: {  // Buyukakyuz 2024, arXiv:2406.01775
      const auto [q_ok, r_ki] = at::linalg_qr(weight());
      return {r_ki.narrow(0, 0, r).contiguous(), q_ok.narrow(1, 0, r).contiguous()};
    }
  }
  return {a_ri, no_b_or};
}

}  // namespace pst::peft
