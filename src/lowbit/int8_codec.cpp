// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/int8/int8.hpp"
#include "lowbit/codec.hpp"
#include "weights/bitsandbytes.hpp"

namespace pst::lowbit {
namespace {

constexpr std::int64_t kPieceValues = 1 << 16;

class Int8Codec final : public Codec {
 public:
  explicit Int8Codec(Exec on) : on_(std::move(on)) {}

  std::vector<Array> arrays(const Matrix& matrix) const override {
    return {{"", Dtype::i8, {matrix.out, matrix.in}}, {"absmax", Dtype::f32, {matrix.out}}};
  }

  std::int64_t statistics(const Matrix& matrix) const override { return find(matrix) ? 0 : matrix.out; }

  void collect(const Matrix& matrix, std::int64_t begin, std::int64_t end, float* into) const override {
    const weights::Tensor& tensor = matrix.store.get(matrix.name);
    const std::int64_t rows_at_once = std::max<std::int64_t>(1, kPieceValues / matrix.in);
    std::vector<float> values(static_cast<std::size_t>(rows_at_once * matrix.in));
    for (std::int64_t row = begin; row < end;) {
      const std::int64_t rows = std::min(rows_at_once, end - row), first = row * matrix.in, count = rows * matrix.in;
      read_values(tensor, first, first + count, values.data());
      const std::span<float> found(into + (row - begin), static_cast<std::size_t>(rows));
      kernels::int8_absmax(on_, {values.data(), count, Dtype::f32}, matrix.in, view_of(found));
      for (std::int64_t i = 0; i < rows; ++i)
        if (!std::isfinite(found[static_cast<std::size_t>(i)])) {
          require_finite(tensor, std::span(values).first(static_cast<std::size_t>(count)), first);
          throw Error(Fault::data,
                      cat("tensor ", tensor.name, " holds a value beyond 65504 in row ", row + i,
                          ", and INT8 weights go through f16"),
                      "set model.quantization.format: nf4");
        }
      row += rows;
    }
  }

  void pack(const Matrix& matrix, std::span<const float> statistics, std::size_t array, std::size_t begin,
            std::size_t end, std::byte* into) const override {
    const auto stored = find(matrix);
    if (array != 0) {
      const std::size_t first = begin / 4, last = (end + 3) / 4;
      std::vector<float> scales(last - first);
      if (stored) {
        const auto from = static_cast<std::int64_t>(first);
        read_values(*stored->absmax, from, static_cast<std::int64_t>(last), scales.data());
        require_finite(*stored->absmax, scales, from);
      } else {
        std::copy(statistics.begin() + static_cast<std::ptrdiff_t>(first),
                  statistics.begin() + static_cast<std::ptrdiff_t>(last), scales.begin());
      }
      std::memcpy(into, reinterpret_cast<const std::byte*>(scales.data()) + (begin - 4 * first), end - begin);
      return;
    }
    if (stored) {
      std::memcpy(into, stored->codes->bytes.data() + begin, end - begin);
      return;
    }
    const weights::Tensor& tensor = matrix.store.get(matrix.name);
    std::vector<float> values(static_cast<std::size_t>(kPieceValues));
    const auto last = static_cast<std::int64_t>(end);
    for (auto first = static_cast<std::int64_t>(begin); first < last; first += kPieceValues) {
      const std::int64_t count = std::min(kPieceValues, last - first);
      read_values(tensor, first, first + count, values.data());
      kernels::int8_encode(on_, {values.data(), count, Dtype::f32}, first, matrix.in, const_view_of(statistics),
                           {into + first - begin, count, Dtype::i8});
    }
  }

 private:
  static std::optional<weights::StoredInt8> find(const Matrix& matrix) {
    return weights::find_int8(matrix.store, matrix.name, matrix.out, matrix.in);
  }
  Exec on_;
};

}  // namespace

std::unique_ptr<Codec> int8_codec(Exec on) { return std::make_unique<Int8Codec>(std::move(on)); }

}  // namespace pst::lowbit
