// SPDX-License-Identifier: Apache-2.0
#include "train/evaluate.hpp"

#include "core/clock.hpp"
#include "train/micro_batch.hpp"

namespace pst::train {

EvalRecord evaluate(const Parts& parts, const Settings& settings, std::int64_t step) {
  at::NoGradGuard no_gradients;
  const double began = monotonic_seconds();
  const std::vector<data::Row> rows = data::rows_in_order(*parts.validation, settings.packing, settings.max_length);
  const std::int64_t size = settings.train.micro_batch_size;
  const std::int64_t batches = (static_cast<std::int64_t>(rows.size()) + size - 1) / size;

  const objective::Scorer scorer(parts.model, {}, nn::Recompute::nothing);
  std::vector<double> losses(static_cast<std::size_t>(batches), 0.0);
  for (std::int64_t i = parts.group.rank(); i < batches; i += parts.group.size()) {
    const auto batch =
        micro_batch(*parts.validation, rows, i, size, parts.model.vocabulary(), parts.parameters.device());
    losses[static_cast<std::size_t>(i)] = parts.objective.value(scorer, *batch);
  }

  // Where a pass needs all ranks, those without a last batch take part in the others'.
  const bool idle = batches % parts.group.size() != 0 && parts.group.rank() >= batches % parts.group.size();
  if (idle && !parts.model.frozen().always_there())
    parts.objective.value(scorer, placeholder_batch(parts.model.vocabulary()));

  const data::RowTotals totals = data::totals_of(*parts.validation, rows);
  EvalRecord record{.step = step, .labelled_tokens = totals.labelled};
  record.loss = sum_over_ranks(parts.group, losses) / static_cast<double>(parts.objective.weight(totals));
  record.seconds = monotonic_seconds() - began;
  return record;
}

}  // namespace pst::train
