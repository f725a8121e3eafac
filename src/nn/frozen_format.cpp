// SPDX-License-Identifier: Apache-2.0
#include "nn/frozen_format.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::nn {
namespace {

/// Converts values [first, first + count) to `compute`. @param read(i)  value i as f32
template <class Read>
void convert(Dtype compute, std::size_t first, std::size_t count, const Read& read, std::byte* into) {
  const std::size_t width = size_of(compute);
  for (std::size_t i = first; i < first + count; ++i, into += width) {
    const float value = read(i);
    if (compute == Dtype::f32) {
      std::memcpy(into, &value, sizeof value);
    } else {
      const bf16 rounded = to_bf16(value);
      std::memcpy(into, &rounded, sizeof rounded);
    }
  }
}

/// Bytes [begin, end) of a matrix that does not lie by itself in a tensor.
void pack_placed(const MatrixSource& matrix, Dtype compute, std::size_t begin, std::size_t end, std::byte* into) {
  constexpr std::size_t kAtOnce = 1 << 14;
  const std::size_t width = size_of(compute);
  std::vector<float> values(kAtOnce);
  for (std::size_t first = begin / width; first < end / width; first += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, end / width - first);
    weights::read_placed(matrix.store, *matrix.place, matrix.in, static_cast<std::int64_t>(first),
                         static_cast<std::int64_t>(first + count), values.data());
    convert(
        compute, 0, count, [&](std::size_t i) { return values[i]; }, into);
    into += count * width;
  }
}

class DenseFormat final : public FrozenFormat {
 public:
  DenseFormat(Dtype compute, Kept kept) : compute_(compute), kept_(kept) {}

  std::vector<Part> parts(const MatrixSource& matrix) const override {
    return {{"", dtype_of(matrix), {matrix.out, matrix.in}}};
  }
  std::unique_ptr<FrozenFormat> of_ends(Dtype compute) const override { return dense_format(compute, kept_); }
  void pack(const MatrixSource& matrix, std::span<const float>, std::size_t, std::size_t begin, std::size_t end,
            std::byte* into) const override {
    if (matrix.place) return pack_placed(matrix, dtype_of(matrix), begin, end, into);
    pack_values(matrix.store.get(matrix.name), dtype_of(matrix), begin, end, into);
  }
  std::unique_ptr<Linear> make(const MatrixSource&, const std::vector<at::Tensor>& parts,
                               std::optional<at::Tensor> bias) const override {
    return std::make_unique<DenseLinear>(parts.at(0), std::move(bias));
  }

 private:
  Dtype dtype_of(const MatrixSource& matrix) const {
    const bool narrow = kept_ == Kept::as_stored && matrix.store.get(matrix.tensor()).dtype == "BF16";
    return narrow ? Dtype::bf16 : compute_;
  }

  Dtype compute_;
  Kept kept_;
};

}  // namespace

std::unique_ptr<FrozenFormat> FrozenFormat::of_ends(Dtype compute) const { return dense_format(compute); }

void FrozenFormat::collect(const MatrixSource&, std::int64_t, std::int64_t, float*) const {
  throw Error(Fault::bug, "this format has no statistics");
}

void pack_values(const weights::Tensor& stored, Dtype compute, std::size_t begin, std::size_t end, std::byte* into) {
  PST_ASSERT(begin % size_of(compute) == 0 && end % size_of(compute) == 0 && begin <= end, "cuts fall between values");
  PST_ASSERT(compute == Dtype::f32 || compute == Dtype::bf16, "products are of f32 or bf16");
  const Dtype from = stored.core_dtype();
  if (from == compute) {
    std::memcpy(into, stored.bytes.data() + begin, end - begin);
    return;
  }
  const std::size_t width = size_of(compute);
  convert(
      compute, begin / width, (end - begin) / width,
      [&](std::size_t i) { return weights::value_at(stored.bytes.data(), from, i); }, into);
}

std::unique_ptr<FrozenFormat> dense_format(Dtype compute, Kept kept) {
  return std::make_unique<DenseFormat>(compute, kept);
}

}  // namespace pst::nn
