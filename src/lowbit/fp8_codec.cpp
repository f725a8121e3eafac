// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/fp8/fp8.hpp"
#include "lowbit/pieces.hpp"
#include "weights/scaled_fp8.hpp"

namespace pst::lowbit {
namespace {

std::vector<Array> arrays_of(std::int64_t out, std::int64_t in, Scales) {
  return {{"", Dtype::u8, {out, in}}, {"scale", Dtype::f32, {out}}};
}

class Fp8Codec final : public Codec {
 public:
  explicit Fp8Codec(Exec on) : on_(std::move(on)) {}

  std::vector<Array> arrays(const Matrix& matrix) const override {
    return arrays_of(matrix.out, matrix.in, Scales::plain);
  }

  std::int64_t statistics(const Matrix& matrix) const override { return find(matrix) ? 0 : matrix.out; }

  void collect(const Matrix& matrix, std::int64_t begin, std::int64_t end, float* into) const override {
    by_rows(matrix, begin, end, [&](std::int64_t row, std::int64_t rows, std::span<const float> values) {
      const std::span<float> found(into + (row - begin), static_cast<std::size_t>(rows));
      kernels::fp8_scales(on_, const_view_of(values), matrix.in, view_of(found));
      if (!std::all_of(found.begin(), found.end(), [](float scale) { return std::isfinite(scale); }))
        require_finite(matrix.store.get(matrix.name), values, row * matrix.in);
    });
  }

  void pack(const Matrix& matrix, std::span<const float> statistics, std::size_t array, std::size_t begin,
            std::size_t end, std::byte* into) const override {
    const auto stored = find(matrix);
    if (array != 0) return pack_scales(stored, statistics, begin, end, into);
    const auto first = static_cast<std::int64_t>(begin), last = static_cast<std::int64_t>(end);
    if (stored) return take_codes(*stored->codes, first, last, into);
    by_values(matrix, first, last, [&](std::int64_t at, std::span<const float> values) {
      kernels::fp8_encode(on_, const_view_of(values), at, matrix.in, const_view_of(statistics),
                          {into + (at - first), std::ssize(values), Dtype::u8});
    });
  }

  std::vector<weights::PlannedTensor> stored_tensors(const Matrix& matrix) const override {
    return {{matrix.name, "F8_E4M3", {matrix.out, matrix.in}}, {matrix.name + "_scale", "F32", {matrix.out, 1}}};
  }
  std::vector<Bytes> stored_bytes(const Matrix&, std::vector<Bytes> arrays) const override { return arrays; }

 private:
  static std::optional<weights::StoredFp8> find(const Matrix& matrix) {
    return weights::find_fp8(matrix.store, matrix.name, matrix.out, matrix.in);
  }

  static void pack_scales(const std::optional<weights::StoredFp8>& stored, std::span<const float> statistics,
                          std::size_t begin, std::size_t end, std::byte* into) {
    const std::size_t first = begin / 4, last = (end + 3) / 4;
    std::vector<float> scales(last - first);
    if (!stored) {
      std::copy(statistics.begin() + static_cast<std::ptrdiff_t>(first),
                statistics.begin() + static_cast<std::ptrdiff_t>(last), scales.begin());
    } else if (stored->scale->count() == 1) {
      read_values(*stored->scale, 0, 1, scales.data());
      std::fill(scales.begin(), scales.end(), scales.front());
      require_finite(*stored->scale, std::span(scales).first(1), 0);
    } else {
      const auto from = static_cast<std::int64_t>(first);
      read_values(*stored->scale, from, static_cast<std::int64_t>(last), scales.data());
      require_finite(*stored->scale, scales, from);
    }
    std::memcpy(into, reinterpret_cast<const std::byte*>(scales.data()) + (begin - 4 * first), end - begin);
  }

  static void take_codes(const weights::Tensor& codes, std::int64_t first, std::int64_t last, std::byte* into) {
    const auto* const from = codes.bytes.data() + first;
    const auto* const nan = std::find_if(from, from + (last - first),
                                         [](std::byte code) { return (code & std::byte{0x7f}) == std::byte{0x7f}; });
    if (nan != from + (last - first))
      throw Error(Fault::data,
                  cat("tensor ", codes.name, " holds a NaN at row ", (first + (nan - from)) / codes.shape.back()),
                  "download the model again, or take another version of it");
    std::memcpy(into, from, static_cast<std::size_t>(last - first));
  }

  Exec on_;
};

}  // namespace

std::unique_ptr<Codec> fp8_codec(Exec on) { return std::make_unique<Fp8Codec>(std::move(on)); }

constinit const Packing kFp8 = {.format = weights::NumberFormat::fp8,
                                .product = Product::fp8,
                                .arrays = arrays_of,
                                .scales_made = nullptr,
                                .codec = [](Scales, Exec on) { return fp8_codec(std::move(on)); }};

}  // namespace pst::lowbit
