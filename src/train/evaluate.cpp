// SPDX-License-Identifier: Apache-2.0
#include "train/evaluate.hpp"

#include "core/clock.hpp"
#include "data/order.hpp"
#include "data/row_totals.hpp"
#include "train/micro_batch.hpp"

namespace pst::train {

EvalRecord evaluate(const nn::CausalLm& model, const objective::Objective& objective, at::Device device,
                    const data::PreparedSet& documents, comm::Communicator& group, const Settings& settings,
                    std::int64_t step) {
  at::NoGradGuard no_gradients;
  const double began = monotonic_seconds();
  const std::vector<data::Row> rows = data::rows_in_order(documents, settings.packing, settings.max_length);
  const std::int64_t size = settings.train.micro_batch_size;
  const std::int64_t batches = (static_cast<std::int64_t>(rows.size()) + size - 1) / size;

  const objective::Scorer scorer(model, {}, nn::Recompute::nothing);
  std::vector<double> losses(static_cast<std::size_t>(batches), 0.0);
  for (std::int64_t i = group.rank(); i < batches; i += group.size()) {
    const auto batch = micro_batch(documents, rows, i, size, model.vocabulary(), device);
    losses[static_cast<std::size_t>(i)] = objective.value(scorer, *batch);
  }

  // Where a pass needs all ranks, those without a last batch take part in the others'.
  const bool idle = batches % group.size() != 0 && group.rank() >= batches % group.size();
  if (idle && !model.frozen().always_there()) objective.value(scorer, placeholder_batch(model.vocabulary(), device));

  const data::RowTotals totals = data::totals_of(documents, rows);
  EvalRecord record{.step = step, .labelled_tokens = totals.labelled};
  record.loss = sum_over_ranks(group, losses) / static_cast<double>(objective.weight(totals));
  record.seconds = monotonic_seconds() - began;
  return record;
}

}  // namespace pst::train
