// SPDX-License-Identifier: Apache-2.0
#include "model/prompted.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <vector>

namespace pst::model {

Prompted prompted(const ops::Documents& documents, std::int64_t count) {
  const auto& starts = documents.starts;
  const std::size_t number = starts.size() - 1;
  const std::int64_t rows = starts.back(), all = rows + count * static_cast<std::int64_t>(number);
  Prompted made{.count = count, .documents = {}, .starts = starts, .own = at::empty({rows}, at::kLong)};
  made.documents.positions = at::empty({all}, at::kInt);
  auto* const own = made.own.mutable_data_ptr<std::int64_t>();
  auto* const positions = made.documents.positions.mutable_data_ptr<std::int32_t>();
  std::int64_t row = 0;
  for (std::size_t i = 0; i < number; ++i) {
    made.documents.starts.push_back(row);
    for (std::int64_t at = 0; at < count + starts[i + 1] - starts[i]; ++at, ++row) {
      positions[row] = static_cast<std::int32_t>(at);
      if (at >= count) own[starts[i] + at - count] = row;
    }
  }
  made.documents.starts.push_back(row);
  const at::Device device = documents.positions.device();
  if (device.is_cpu()) return made;
  at::Tensor borders = at::empty({static_cast<std::int64_t>(made.documents.starts.size())}, at::kInt);
  std::transform(made.documents.starts.begin(), made.documents.starts.end(), borders.mutable_data_ptr<std::int32_t>(),
                 [](std::int64_t start) { return static_cast<std::int32_t>(start); });
  for (auto [tensor, from] : {std::pair{&made.own, made.own},
                              {&made.documents.positions, made.documents.positions},
                              {&made.documents.borders, borders}})
    *tensor = from.to(device);
  return made;
}

at::Tensor Prompted::with(const at::Tensor& before, const at::Tensor& x) const {
  // By cat, whose backward adds the gradients of `before` in the order of the documents.
  std::vector<at::Tensor> parts;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    parts.push_back(before);
    parts.push_back(x.narrow(0, starts[i], starts[i + 1] - starts[i]));
  }
  return at::cat(parts);
}

at::Tensor Prompted::without(const at::Tensor& x) const { return at::index_select(x, 0, own); }

}  // namespace pst::model
