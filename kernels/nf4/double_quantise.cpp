// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"
#include "kernels/nf4/nf4.hpp"

// One value in 64 comes through here: plain loops. No fused multiply-add but the one that is written (CMakeLists.txt).
namespace pst::kernels {
namespace {

using namespace detail;

/// torch.linspace(0.1, 1, steps), f32.
float step_at(std::int64_t steps, std::int64_t i) {
  const float start = 0.1f, end = 1.0f, step = (end - start) / static_cast<float>(steps - 1);
  return i < steps / 2 ? std::fma(step, static_cast<float>(i), start)
                       : std::fma(-step, static_cast<float>(steps - 1 - i), end);
}

std::array<float, 256> make_dynamic_map(Signs signs) {
  std::array<float, 256> map{};  // zero is an entry
  std::size_t at = 1;
  map[at++] = 1.0f;
  const int finer = signs == Signs::both ? 0 : 1;  // without a sign there are twice the steps
  for (int decade = 0; decade < 7; ++decade) {
    const float scale = std::array{1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1.0f}[static_cast<std::size_t>(decade)];
    const std::int64_t steps = (std::int64_t{1} << (decade + finer)) + 1;
    for (std::int64_t i = 0; i + 1 < steps; ++i) {
      const float value = scale * ((step_at(steps, i) + step_at(steps, i + 1)) / 2.0f);
      map[at++] = value;
      if (signs == Signs::both) map[at++] = -value;
    }
  }
  PST_ASSERT(at == map.size(), "seven decades, zero and one are 256 entries");
  std::sort(map.begin(), map.end());
  return map;
}

constexpr std::int64_t kGrid = 65536;  // places in [-1, 1] whose nearest entry is known beforehand

std::unique_ptr<NearestEntries> make_nearest_entries(const std::array<float, 256>& map) {
  auto made = std::make_unique<NearestEntries>();
  std::size_t entry = 0;
  for (std::int64_t i = 0; i < kGrid; ++i) {
    const float place = -1.0f + (2.0f * static_cast<float>(i)) / static_cast<float>(kGrid - 1);
    while (entry < 255 && 0.5f * (map[entry] + map[entry + 1]) < place) ++entry;
    (*made)[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(entry);
  }
  return made;
}

/// Sums of eight lanes in four columns, in blocks of blocks, so that the error grows with the logarithm of the count.
/// @see ATen/native/cpu/SumKernel.cpp, multi_row_sum and row_sum
class CascadeSum {
 public:
  static constexpr std::int64_t kWidth = 8, kColumns = 4, kLevels = 4;

  explicit CascadeSum(const float* values) : values_(values) {}

  float operator()(std::int64_t count) {
    if (count < kWidth) return short_sum(count);
    const std::int64_t vectors = count / kWidth, rows = vectors / kColumns;
    add_rows(rows);
    Column& sum = levels_[0][0];
    for (std::int64_t v = rows * kColumns; v < vectors; ++v) add(sum, values_ + v * kWidth);
    for (std::size_t column = 1; column < kColumns; ++column) add(sum, levels_[0][column].data());
    float total = 0;
    for (std::int64_t i = vectors * kWidth; i < count; ++i) total += values_[i];
    for (const float lane : sum) total += lane;
    return total;
  }

 private:
  using Column = std::array<float, kWidth>;

  /// Fewer values than lanes: the four columns hold one value each.
  float short_sum(std::int64_t count) const {
    if (count < kColumns) return std::accumulate(values_, values_ + count, 0.0f);
    const float first = std::accumulate(values_ + kColumns, values_ + count, values_[0]);
    return std::accumulate(values_ + 1, values_ + kColumns, first);
  }
  static void add(Column& sum, const float* values) {
    for (std::size_t lane = 0; lane < kWidth; ++lane) sum[lane] += values[lane];
  }
  void add_row(std::int64_t row) {
    for (std::int64_t column = 0; column < kColumns; ++column)
      add(levels_[0][static_cast<std::size_t>(column)], values_ + (row * kColumns + column) * kWidth);
  }
  void carry(std::size_t into) {
    for (std::size_t column = 0; column < kColumns; ++column) {
      add(levels_[into][column], levels_[into - 1][column].data());
      levels_[into - 1][column] = {};
    }
  }
  void add_rows(std::int64_t rows) {
    std::int64_t log = 0;
    while ((std::int64_t{1} << log) < rows) ++log;
    const std::int64_t power = std::max<std::int64_t>(4, log / kLevels), step = std::int64_t{1} << power;
    std::int64_t row = 0;
    while (row + step <= rows) {
      for (std::int64_t i = 0; i < step; ++i) add_row(row++);
      for (std::int64_t level = 1; level < kLevels; ++level) {
        carry(static_cast<std::size_t>(level));
        if ((row & ((step - 1) << (level * power))) != 0) break;
      }
    }
    while (row < rows) add_row(row++);
    for (std::size_t level = 1; level < kLevels; ++level)
      for (std::size_t column = 0; column < kColumns; ++column) add(levels_[0][column], levels_[level][column].data());
  }

  const float* values_;
  std::array<std::array<Column, kColumns>, kLevels> levels_{};
};

}  // namespace

const std::array<float, 256>& dynamic_map(Signs signs) {
  static const std::array<float, 256> both = make_dynamic_map(Signs::both),
                                      positive = make_dynamic_map(Signs::positive);
  return signs == Signs::both ? both : positive;
}

const NearestEntries& nearest_entries(Signs signs) {
  static const auto both = make_nearest_entries(dynamic_map(Signs::both)),
                    positive = make_nearest_entries(dynamic_map(Signs::positive));
  return signs == Signs::both ? *both : *positive;
}

float absmax_mean(ConstView absmax) {
  PST_ASSERT(absmax.count > 0 && absmax.device.kind == DeviceKind::cpu, "a mean is of some values in host memory");
  return CascadeSum(absmax.as<float>().data())(absmax.count) / static_cast<float>(absmax.count);
}

void double_quantise(const Exec& on, ConstView absmax, ConstView offset, View codes, View scale) {
  require_cpu(on, "double_quantise");
  PST_ASSERT(codes.count == absmax.count && scale.count == blocks_of(absmax.count, kDoubleBlock), "sizes fit");
  const auto values = absmax.as<float>();
  const float mean = offset.as<float>()[0];
  const auto into = codes.as<std::uint8_t>();
  const auto scales = scale.as<float>();
  const auto& nearest = nearest_entries(Signs::both);
  for (std::size_t b = 0; b < scales.size(); ++b) {
    const std::size_t begin = b * kDoubleBlock, end = std::min(begin + kDoubleBlock, values.size());
    float largest = 0;
    for (std::size_t i = begin; i < end; ++i) largest = std::max(largest, std::fabs(values[i] - mean));
    scales[b] = largest;
    const float inverse = 1.0f / largest;
    for (std::size_t i = begin; i < end; ++i) {
      const float x = largest == 0 ? -1.0f : std::clamp((values[i] - mean) * inverse, -1.0f, 1.0f);
      const float place = (x + 1.0f) * 0.5f * static_cast<float>(kGrid - 1) + 0.5f;
      into[i] = nearest[static_cast<std::uint16_t>(place)];
    }
  }
}

void double_dequantise(const Exec& on, ConstView codes, ConstView scale, ConstView map, ConstView offset,
                       std::int64_t first, View out) {
  require_on(on, "double_dequantise", {codes, scale, map, offset, out});
  PST_ASSERT(first >= 0 && first + out.count <= codes.count && map.count == 256 && offset.count == 1, "sizes fit");
  PST_ASSERT(scale.count >= blocks_of(first + out.count, kDoubleBlock), "every block has a scale");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "double_dequantise", &CudaTable::double_dequantise, codes, scale, map, offset, first, out);
    case DeviceKind::cpu: break;
  }
  const auto from = codes.as<std::uint8_t>();
  const auto scales = scale.as<float>(), entries = map.as<float>();
  const auto into = out.as<float>();
  const float mean = offset.as<float>()[0];
  on.parallel_for(out.count, 16384, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto index = static_cast<std::size_t>(first + i);
      into[static_cast<std::size_t>(i)] = entries[from[index]] * scales[index / kDoubleBlock] + mean;
    }
  });
}

}  // namespace pst::kernels
