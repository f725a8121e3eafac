// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw_8bit/adamw_8bit.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

// The bits of the moments are promised: one rounding per operation that is written, and fused ones only where written
// (CMakeLists.txt). A processor without FMA takes the library's, which is slow and gives the same bits.
namespace pst::kernels {
namespace {

using Factors = cuda::AdamW8Factors;

struct Codes {
  const float* map;
  const std::uint8_t* nearest;
  std::uint8_t* codes;
  float* absmax;
};

PST_INLINE void decode(const Codes& moment, std::int64_t block, std::int64_t begin, std::int64_t size, float* out) {
  const float scale = moment.absmax[block];
  for (std::int64_t i = 0; i < size; ++i) out[i] = moment.map[moment.codes[begin + i]] * scale;
}

PST_INLINE void encode(const Codes& moment, std::int64_t block, std::int64_t begin, std::int64_t size,
                       const float* values) {
  float largest = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    const float magnitude = values[i] < 0 ? -values[i] : values[i];
    largest = largest < magnitude ? magnitude : largest;
  }
  moment.absmax[block] = largest;
  const float inverse = 1.0f / largest;
  for (std::int64_t i = 0; i < size; ++i) {
    float x = largest == 0 ? -1.0f : values[i] * inverse;
    x = x < -1.0f ? -1.0f : x > 1.0f ? 1.0f : x;
    moment.codes[begin + i] = moment.nearest[static_cast<std::int32_t>((x + 1.0f) * 0.5f * 65535.0f + 0.5f)];
  }
}

PST_CLONES void range(const Factors& f, float* value, const float* gradient, const Codes& moment1, const Codes& moment2,
                      std::int64_t count, std::int64_t first, std::int64_t last) {
  float m[kAdamW8Block], v[kAdamW8Block];
  for (std::int64_t block = first; block < last; ++block) {
    const std::int64_t begin = block * kAdamW8Block, size = std::min(kAdamW8Block, count - begin);
    decode(moment1, block, begin, size, m);
    decode(moment2, block, begin, size, v);
    for (std::int64_t i = 0; i < size; ++i) {
      const float g = gradient[begin + i] * f.gradient;
      m[i] = __builtin_fmaf(g, f.rest1, m[i] * f.beta1);
      v[i] = __builtin_fmaf(f.rest2 * g, g, v[i] * f.beta2);
      const float root = std::sqrt(v[i]) * f.root_correction + f.eps;
      value[begin + i] = value[begin + i] * f.decay - f.step_size * m[i] / root;
    }
    encode(moment1, block, begin, size, m);
    encode(moment2, block, begin, size, v);
  }
}

Codes codes_of(const DynamicCode& code, const CodedMoment& moment) {
  return {code.map.as<float>().data(), code.nearest.as<std::uint8_t>().data(), moment.codes.as<std::uint8_t>().data(),
          moment.absmax.as<float>().data()};
}

}  // namespace

void adamw_8bit(const Exec& on, const AdamW& s, const DynamicCode& both, const DynamicCode& positive, View value,
                ConstView gradient, const CodedMoment& moment1, const CodedMoment& moment2) {
  detail::require_on(on, "adamw_8bit", {value, gradient, both.map, both.nearest, positive.map, positive.nearest});
  detail::require_on(on, "adamw_8bit", {moment1.codes, moment1.absmax, moment2.codes, moment2.absmax});
  PST_ASSERT(value.dtype == Dtype::f32 && gradient.dtype == Dtype::f32 && gradient.count == value.count,
             "value and gradient are f32 and have one size");
  for (const CodedMoment& moment : {moment1, moment2})
    PST_ASSERT(moment.codes.dtype == Dtype::u8 && moment.codes.count == value.count &&
                   moment.absmax.dtype == Dtype::f32 && moment.absmax.count == adamw_8bit_blocks(value.count),
               "a code for each value, a scale for each block");
  for (const DynamicCode& code : {both, positive})
    PST_ASSERT(code.map.count == 256 && code.nearest.count == 65536,
               "a map has 256 entries, and is looked up by 16 bits");
  PST_ASSERT(s.step >= 1, "steps count from 1");
  const double correction1 = 1 - std::pow(s.beta1, static_cast<double>(s.step));
  const double correction2 = 1 - std::pow(s.beta2, static_cast<double>(s.step));
  const Factors f{.gradient = static_cast<float>(s.gradient_factor),
                  .decay = static_cast<float>(1 - s.lr * s.weight_decay),
                  .beta1 = static_cast<float>(s.beta1),
                  .rest1 = static_cast<float>(1 - s.beta1),
                  .beta2 = static_cast<float>(s.beta2),
                  .rest2 = static_cast<float>(1 - s.beta2),
                  .step_size = static_cast<float>(s.lr / correction1),
                  .root_correction = static_cast<float>(1 / std::sqrt(correction2)),
                  .eps = static_cast<float>(s.eps)};
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return detail::on_cuda(on, "adamw_8bit", &CudaTable::adamw_8bit, f, both.map, both.nearest, positive.map,
                             positive.nearest, value, gradient, moment1.codes, moment1.absmax, moment2.codes,
                             moment2.absmax);
    case DeviceKind::cpu: break;
  }
  on.parallel_for(adamw_8bit_blocks(value.count), 64, [&](std::int64_t begin, std::int64_t end) {
    range(f, value.as<float>().data(), gradient.as<float>().data(), codes_of(both, moment1),
          codes_of(positive, moment2), value.count, begin, end);
  });
}

}  // namespace pst::kernels
