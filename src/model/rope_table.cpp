// SPDX-License-Identifier: Apache-2.0
#include "model/rope_table.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <cmath>

namespace pst::model {
namespace {

void fill(const families::RopeSpec& spec, const std::vector<float>& frequencies, std::int64_t positions, float* cosines,
          float* sines) {
  for (std::int64_t position = 0; position < positions; ++position)
    for (const float frequency : frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      *cosines++ = static_cast<float>(std::cos(static_cast<double>(angle)) * spec.factor);
      *sines++ = static_cast<float>(std::sin(static_cast<double>(angle)) * spec.factor);
    }
}

/// What queries are multiplied with besides: [positions, 1].
at::Tensor growth_of(const families::RopeSpec& spec, std::int64_t positions) {
  const at::Tensor steps = at::arange(positions, at::kDouble).div(static_cast<double>(spec.original_positions)).floor();
  return steps.log1p().mul(spec.query_growth).add(1).to(at::kFloat).unsqueeze(1);
}

}  // namespace

RopeTables make_rope_tables(const families::RopeSpec& spec, std::int64_t positions, at::Device device) {
  const std::int64_t half = std::ssize(spec.frequencies);
  const std::int64_t rows = positions * (spec.far_frequencies.empty() ? 1 : 2);
  ops::RopeTable table{at::empty({rows, half}, at::kFloat), at::empty({rows, half}, at::kFloat), spec.neighbours};
  auto* const cosines = table.cosines.mutable_data_ptr<float>();
  auto* const sines = table.sines.mutable_data_ptr<float>();
  fill(spec, spec.frequencies, positions, cosines, sines);
  if (!spec.far_frequencies.empty())
    fill(spec, spec.far_frequencies, positions, cosines + positions * half, sines + positions * half);
  const auto there = [&](const ops::RopeTable& of) {
    return ops::RopeTable{of.cosines.to(device), of.sines.to(device), of.neighbours};
  };
  const ops::RopeTable keys = there(table);
  if (spec.query_growth == 0) return {keys, keys};
  const at::Tensor growth = growth_of(spec, rows);
  return {there({table.cosines * growth, table.sines * growth, spec.neighbours}), keys};
}

std::int64_t first_row(const families::RopeSpec& spec, std::int64_t length, std::int64_t positions) {
  return !spec.far_frequencies.empty() && length > spec.original_positions ? positions : 0;
}

at::Tensor table_rows(const families::RopeSpec& spec, const ops::Documents& documents, std::int64_t positions) {
  if (spec.far_frequencies.empty()) return documents.positions;
  const at::Tensor shift = at::empty({documents.starts.back()}, at::kInt);
  for (std::size_t i = 0; i + 1 < documents.starts.size(); ++i) {
    const std::int64_t length = documents.starts[i + 1] - documents.starts[i];
    shift.narrow(0, documents.starts[i], length).fill_(first_row(spec, length, positions));
  }
  return documents.positions + shift.to(documents.positions.device());
}

}  // namespace pst::model
