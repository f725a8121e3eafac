// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pst::weights {

struct PlannedTensor {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
};

/// Writes a safetensors file tensor by tensor, so that a model need not be in memory as a whole. Same guarantees and
/// same bytes as save_tensors; without finish() nothing is left behind.
class TensorWriter {
 public:
  /// @throws Error(bug) on a duplicate name, an unknown dtype or a shape that overflows; Error(io)
  TensorWriter(const std::filesystem::path& path, const std::vector<PlannedTensor>& tensors,
               const std::map<std::string, std::string>& metadata = {});
  ~TensorWriter();

  /// The bytes of the next tensor of the plan. @throws Error(bug) when their number is not what the plan says;
  /// Error(io)
  void add(std::span<const std::byte> bytes);
  /// @throws Error(bug) when tensors are missing; Error(io)
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::weights
