// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace pst::methods {

enum class TinyloraInit { zeros, uniform };  ///< zeros: PEFT's `true`

/// The keys of `type: tinylora`. @see arXiv:2602.04118
struct Tinylora {
  int r = 2, u = 64;
  double weight_tying = 0;
  std::int64_t projection_seed = 42;
  bool save_projection = true;
  double tinylora_dropout = 0, init_v_bound = 0.02;
  TinyloraInit init_weights = TinyloraInit::zeros;
};
std::vector<std::pair<const char*, TinyloraInit>> words_of(TinyloraInit);

/// Which of the vectors `tinylora_v` a layer uses: layers that follow each other share one.
/// @param place  of the layer in the order of the modules, of `layers`
std::size_t group_of(const Tinylora& keys, std::size_t place, std::size_t layers);

}  // namespace pst::methods
