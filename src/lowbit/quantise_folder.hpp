// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "lowbit/codec.hpp"
#include "weights/number_format.hpp"

namespace pst::lowbit {

struct QuantiseOptions {
  weights::NumberFormat format = weights::NumberFormat::nf4;
  Scales scales = Scales::quantised;
  std::vector<std::string> skip;  ///< endings of layers' names that stay as they are
  int threads = 1;
};

/// Writes the model of folder `from` into `to` with the matrices of its decoder layers quantised, in the format's
/// weights::StoredLayout, and with `quantization_config` in config.json; embedding, head,
/// norms, biases and all other files are as they were. The content depends on folder and options only, not on the
/// threads. Peak memory is about one matrix.
/// @param to  must not exist, or be an empty folder; becomes visible when it is complete
/// @throws Error(usage) when `to` is in use; Error(data) for a folder that is no model, is quantised already or holds a
///         value that is no number; Error(io)
void quantise_folder(const std::filesystem::path& from, const std::filesystem::path& to,
                     const QuantiseOptions& options);

/// @throws Error(usage) when a folder is quantised and another format is wanted
void require_same_format(weights::NumberFormat stored, weights::NumberFormat wanted);

/// Whether matrix `name` belongs to a layer whose name ends, at a dot, with one of `endings`.
bool is_skipped(const std::string& name, const std::vector<std::string>& endings);

}  // namespace pst::lowbit
