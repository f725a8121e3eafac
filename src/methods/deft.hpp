// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <utility>
#include <vector>

namespace pst::methods {

enum class DeftProjection { relu, qr };

/// The keys of `type: deft`: PEFT's "Decompositional Efficient Fine-Tuning". `para` alone: Chen et al. 2024 (PaRa).
struct Deft {
  int r = 8;
  DeftProjection decomposition_method = DeftProjection::relu;
  std::optional<double> alpha;
  bool para = false;
  double deft_dropout = 0;
};
std::vector<std::pair<const char*, DeftProjection>> words_of(DeftProjection);

}  // namespace pst::methods
