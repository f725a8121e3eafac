// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/file.hpp"
#include "core/view.hpp"

namespace pst::weights {

/// One tensor of a file or of a set of files. The bytes are a read-only mapping.
struct Tensor {
  std::string name;
  std::string dtype;                ///< as the file spells it: F32, BF16, F16, F64, I64 ... U8, BOOL, F8_E4M3 ...
  std::vector<std::int64_t> shape;  ///< row-major
  std::span<const std::byte> bytes;

  std::int64_t count() const;
  /// @throws Error(data) for a dtype that core has no name for (F8_*, U16, U32, U64)
  Dtype core_dtype() const;
};

/// A safetensors file, or the several of a `model.safetensors.index.json`, checked as untrusted input and mapped.
/// @see huggingface/safetensors, format description: 8-byte length, JSON header, data
class TensorStore {
 public:
  /// @param path a .safetensors file, an index .json, or a folder with `model.safetensors(.index.json)` in it
  /// @throws Error(data) naming file and reason: truncated, header over 100 MB, bad JSON, overlapping / out-of-range /
  ///         uncovered offsets, size that overflows or does not fit dtype and shape, duplicate name, missing shard ...
  static TensorStore open(const std::filesystem::path& path, WhenCut when_cut = WhenCut::end_program);
  /// @throws Error(data) when a file was cut since it was opened
  void check_whole() const;

  TensorStore(TensorStore&&) noexcept;
  TensorStore& operator=(TensorStore&&) noexcept;
  ~TensorStore();

  /// Tensors whose names begin with the first of a pair get the second in its place: the first pair that fits counts.
  /// @throws Error(data) when two tensors would have one name
  void rename(const std::vector<std::pair<std::string, std::string>>& beginnings);

  /// One of those that a stored tensor is cut into.
  struct Part {
    std::string name;
    std::vector<std::int64_t> shape;
  };
  /// Puts tensors that lie one after the other in `name`'s bytes in its place. @throws Error(data) when there is no
  /// such tensor, or the parts do not make it whole
  void cut(std::string_view name, const std::vector<Part>& parts);

  const std::vector<Tensor>& tensors() const;       ///< ordered by name
  const Tensor* find(std::string_view name) const;  ///< nullptr when absent
  const Tensor& get(std::string_view name) const;   ///< @throws Error(data) "no tensor 'x'; did you mean 'y'"
  const std::map<std::string, std::string>& metadata() const;
  std::vector<std::filesystem::path> files() const;

 private:
  struct Impl;
  explicit TensorStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// What save_tensors writes.
struct NewTensor {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// Writes one file durably (temporary + fsync + rename), header padded to 8 bytes, tensors in the given order,
/// `__metadata__` with "format": "pt" plus `metadata`. Depends on the arguments only. @throws Error(io), Error(bug)
void save_tensors(const std::filesystem::path& path, const std::vector<NewTensor>& tensors,
                  const std::map<std::string, std::string>& metadata = {});

}  // namespace pst::weights
