// SPDX-License-Identifier: Apache-2.0
#include "nn/frozen_format.hpp"

#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::nn {
namespace {

/// Value i of a stored tensor as f32.
float value_at(const std::byte* values, Dtype dtype, std::size_t i) {
  switch (dtype) {
    case Dtype::f32: {
      float value;
      std::memcpy(&value, values + 4 * i, 4);
      return value;
    }
    case Dtype::bf16: {
      bf16 value;
      std::memcpy(&value, values + 2 * i, 2);
      return to_float(value);
    }
    case Dtype::f16: {
      std::uint16_t bits;
      std::memcpy(&bits, values + 2 * i, 2);
      return half_to_float(bits);
    }
    case Dtype::f64: {
      double value;
      std::memcpy(&value, values + 8 * i, 8);
      return static_cast<float>(value);
    }
    case Dtype::i64:
    case Dtype::i32:
    case Dtype::i16:
    case Dtype::i8:
    case Dtype::u8:
    case Dtype::boolean: break;
  }
  throw Error(Fault::bug, cat("weights of dtype ", name_of(dtype), " are no numbers to compute with"));
}

class DenseFormat final : public FrozenFormat {
 public:
  explicit DenseFormat(Dtype compute) : compute_(compute) {}

  std::vector<Part> parts(const MatrixSource& matrix) const override {
    return {{"", compute_, {matrix.out, matrix.in}}};
  }
  void pack(const MatrixSource& matrix, std::span<const float>, std::size_t, std::size_t begin, std::size_t end,
            std::byte* into) const override {
    pack_values(matrix.store.get(matrix.name), compute_, begin, end, into);
  }
  std::unique_ptr<Linear> make(const MatrixSource&, const std::vector<at::Tensor>& parts,
                               std::optional<at::Tensor> bias) const override {
    return std::make_unique<DenseLinear>(parts.at(0), std::move(bias));
  }

 private:
  Dtype compute_;
};

}  // namespace

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
  for (std::size_t i = begin / width; i < end / width; ++i, into += width) {
    const float value = value_at(stored.bytes.data(), from, i);
    if (compute == Dtype::f32) {
      std::memcpy(into, &value, sizeof value);
    } else {
      const bf16 rounded = to_bf16(value);
      std::memcpy(into, &rounded, sizeof rounded);
    }
  }
}

std::unique_ptr<FrozenFormat> dense_format(Dtype compute) { return std::make_unique<DenseFormat>(compute); }

}  // namespace pst::nn
