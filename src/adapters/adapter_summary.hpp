// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pst::adapters {

/// A program, and whether it loads an adapter.
struct Loader {
  std::string program;
  std::string lacks;  ///< why it does not; empty: it does
};

/// What `peft-studio adapter show` tells.
struct AdapterSummary {
  std::filesystem::path dir;
  std::string type, help, base_model;
  std::string unread;                                     ///< why this program cannot compute with it; empty: it can
  std::vector<std::pair<std::string, std::string>> keys;  ///< that say something, with their JSON
  std::vector<Loader> loaders;
  bool mergeable = false;
  struct Tensor {
    std::string name, dtype;
    std::vector<std::int64_t> shape;
    std::optional<double> norm, largest;  ///< of floating dtypes: Frobenius, magnitude
  };
  std::vector<Tensor> tensors;
  std::int64_t values = 0;
  std::uint64_t bytes = 0;
  struct Layer {
    std::string module;
    std::int64_t rank = 0;
    double norm = 0;               ///< of scale * B A, Frobenius
    std::vector<double> singular;  ///< of the same, falling
    std::int64_t energy_rank = 0;  ///< fewest that have 90 % of the sum of squares
  };
  std::vector<Layer> layers;     ///< of LoRA
  std::vector<std::string> odd;  ///< what a look at the values and names finds strange, a sentence each
};

/// Reads all of the adapter's tensors once. @param model  folder of the model it is for: names and shapes are compared
/// @throws Error(data) naming file and place
AdapterSummary inspect(const std::filesystem::path& adapter, const std::optional<std::filesystem::path>& model);

std::string to_text(const AdapterSummary& summary);
std::string to_json(const AdapterSummary& summary);

}  // namespace pst::adapters
