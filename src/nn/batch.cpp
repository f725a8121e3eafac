// SPDX-License-Identifier: Apache-2.0
#include "nn/batch.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::nn {

Batch make_batch(const std::vector<TokenSpan>& documents, std::int64_t vocabulary) {
  std::int64_t tokens = 0, labelled = 0;
  for (const auto& document : documents) {
    PST_ASSERT(document.ids.size() == document.labelled.size(), "every token says whether it is a target");
    tokens += static_cast<std::int64_t>(document.ids.size());
    for (std::size_t i = 1; i < document.labelled.size(); ++i) labelled += document.labelled[i] != 0;
  }

  Batch batch;
  batch.ids = at::empty({tokens}, at::kLong);
  batch.documents.positions = at::empty({tokens}, at::kInt);
  batch.label_rows = at::empty({labelled}, at::kLong);
  batch.targets = at::empty({labelled}, at::kLong);
  auto* const ids = batch.ids.mutable_data_ptr<std::int64_t>();
  auto* const positions = batch.documents.positions.mutable_data_ptr<std::int32_t>();
  auto* rows = batch.label_rows.mutable_data_ptr<std::int64_t>();
  auto* targets = batch.targets.mutable_data_ptr<std::int64_t>();

  std::int64_t row = 0;
  for (const auto& document : documents) {
    batch.documents.starts.push_back(row);
    for (std::size_t i = 0; i < document.ids.size(); ++i, ++row) {
      const std::int32_t id = document.ids[i];
      if (id < 0 || id >= vocabulary)
        throw Error(Fault::data, cat("token id ", id, " is outside the model's vocabulary of ", vocabulary),
                    "prepare the data with the tokenizer of this model");
      ids[row] = id;
      positions[row] = static_cast<std::int32_t>(i);
      if (i > 0 && document.labelled[i] != 0) {
        *rows++ = row - 1;
        *targets++ = id;
      }
    }
  }
  batch.documents.starts.push_back(row);
  return batch;
}

Batch to_device(Batch batch, at::Device device) {
  if (batch.ids.device() == device) return batch;
  for (at::Tensor* const tensor : {&batch.ids, &batch.documents.positions, &batch.label_rows, &batch.targets})
    *tensor = tensor->to(device);
  const auto& starts = batch.documents.starts;
  at::Tensor borders = at::empty({static_cast<std::int64_t>(starts.size())}, at::kInt);
  std::transform(starts.begin(), starts.end(), borders.mutable_data_ptr<std::int32_t>(),
                 [](std::int64_t row) { return static_cast<std::int32_t>(row); });
  batch.documents.borders = borders.to(device);
  return batch;
}

}  // namespace pst::nn
