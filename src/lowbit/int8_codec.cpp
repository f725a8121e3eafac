// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/int8/int8.hpp"
#include "lowbit/pieces.hpp"
#include "weights/bitsandbytes.hpp"

namespace pst::lowbit {
namespace {

std::vector<Array> arrays_of(std::int64_t out, std::int64_t in, Scales) {
  return {{"", Dtype::i8, {out, in}}, {"absmax", Dtype::f32, {out}}};
}

class Int8Codec final : public Codec {
 public:
  explicit Int8Codec(Exec on) : on_(std::move(on)) {}

  std::vector<Array> arrays(const Matrix& matrix) const override {
    return arrays_of(matrix.out, matrix.in, Scales::plain);
  }

  std::int64_t statistics(const Matrix& matrix) const override { return find(matrix) ? 0 : matrix.out; }

  void collect(const Matrix& matrix, std::int64_t begin, std::int64_t end, float* into) const override {
    by_rows(matrix, begin, end, [&](std::int64_t row, std::int64_t rows, std::span<const float> values) {
      const std::span<float> found(into + (row - begin), static_cast<std::size_t>(rows));
      kernels::int8_absmax(on_, const_view_of(values), matrix.in, view_of(found));
      for (std::int64_t i = 0; i < rows; ++i)
        if (!std::isfinite(found[static_cast<std::size_t>(i)])) {
          const weights::Tensor& tensor = matrix.store.get(matrix.name);
          require_finite(tensor, values, row * matrix.in);
          throw Error(Fault::data,
                      cat("tensor ", tensor.name, " holds a value beyond 65504 in row ", row + i,
                          ", and INT8 weights go through f16"),
                      "set model.quantization.format: nf4");
        }
    });
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
    const auto first = static_cast<std::int64_t>(begin);
    by_values(matrix, first, static_cast<std::int64_t>(end), [&](std::int64_t at, std::span<const float> values) {
      kernels::int8_encode(on_, const_view_of(values), at, matrix.in, const_view_of(statistics),
                           {into + (at - first), std::ssize(values), Dtype::i8});
    });
  }

  std::vector<weights::PlannedTensor> stored_tensors(const Matrix& matrix) const override {
    const std::string prefix = matrix.name.substr(0, matrix.name.size() - std::string_view("weight").size());
    return {{matrix.name, "I8", {matrix.out, matrix.in}},
            {prefix + "SCB", "F32", {matrix.out}},
            {prefix + "weight_format", "U8", {}}};
  }
  std::vector<Bytes> stored_bytes(const Matrix&, std::vector<Bytes> arrays) const override {
    arrays.push_back({std::byte{0}});  // weight_format: rows
    return arrays;
  }

 private:
  static std::optional<weights::StoredInt8> find(const Matrix& matrix) {
    return weights::find_int8(matrix.store, matrix.name, matrix.out, matrix.in);
  }
  Exec on_;
};

}  // namespace

std::unique_ptr<Codec> int8_codec(Exec on) { return std::make_unique<Int8Codec>(std::move(on)); }

constinit const Packing kInt8 = {.format = weights::NumberFormat::int8,
                                 .product = Product::numbers,
                                 .arrays = arrays_of,
                                 .scales_made = nullptr,
                                 .codec = [](Scales, Exec on) { return int8_codec(std::move(on)); }};

}  // namespace pst::lowbit
