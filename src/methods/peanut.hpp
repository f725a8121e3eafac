// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <utility>
#include <vector>

namespace pst::methods {

/// transformers' names of the functions between PEANuT's matrices.
enum class PeanutAct {
  relu,
  relu2,
  relu6,
  leaky_relu,
  gelu,
  gelu_new,
  gelu_pytorch_tanh,
  quick_gelu,
  silu,
  swish,
  mish,
  sigmoid,
  tanh,
  linear
};

/// The keys of `type: peanut`. @see Zhong et al. 2024, arXiv:2410.01870
struct Peanut {
  int r = 32, depth = 0;
  PeanutAct act_fn = PeanutAct::relu;
  double scaling = 1;
};
std::vector<std::pair<const char*, PeanutAct>> words_of(PeanutAct);

}  // namespace pst::methods
