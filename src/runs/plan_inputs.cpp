// SPDX-License-Identifier: Apache-2.0
#include "runs/plan_inputs.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "data/order.hpp"
#include "data/prepared.hpp"
#include "families/read_model.hpp"
#include "site/limits.hpp"

namespace pst::runs {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSteps = 256;  // looked at one by one; a longer run is represented by so many of its first epoch

plan::RowWork row_work(const data::PreparedSet& documents, const data::Row& row) {
  plan::RowWork work;
  for (const auto index : row) {
    const auto length = documents.document(index).ids.size();
    work.lengths.push_back(static_cast<std::uint32_t>(length));
    work.tokens += static_cast<std::int64_t>(length);
    work.labelled += documents.labelled_tokens(index);
  }
  return work;
}

std::int64_t evaluations(const recipe::Recipe& recipe, std::int64_t steps) {
  const auto& every = recipe.evaluate.every_steps;
  if (!every) return 2;  // before the first step and after the last
  return 1 + steps / *every + (steps % *every != 0 ? 1 : 0);
}

std::uint64_t bytes_in(const fs::path& folder, const std::string& ending) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.is_regular_file(ignored) && entry.path().filename().string().ends_with(ending))
      bytes += entry.file_size(ignored);
  return bytes;
}

}  // namespace

plan::Work work_of(const recipe::Recipe& recipe, const fs::path& store) {
  const auto train = data::PreparedSet::open(store, "train");
  const data::DataOrder order(train, data::order_settings(recipe));
  plan::Work work{.steps = recipe.train.max_steps.value_or(order.steps_in(recipe.train.epochs)),
                  .documents = static_cast<std::int64_t>(train.size()),
                  .rows_per_epoch = order.rows_per_epoch(),
                  .prepared_bytes = bytes_in(store, "")};
  const std::int64_t epoch = order.steps_in(1),
                     within = work.steps <= kSteps ? work.steps : std::min(work.steps, epoch);
  const std::int64_t count = std::min(within, kSteps);
  for (std::int64_t i = 0; i < count; ++i) {
    auto& step = work.sample.emplace_back();
    for (const auto& row : order.rows_of_step(within * i / count)) step.push_back(row_work(train, row));
  }
  if (count == work.steps) {
    for (const auto& step : work.sample)
      for (const auto& row : step) {
        ++work.rows;
        work.tokens += row.tokens;
        work.labelled += row.labelled;
      }
  } else {  // whole epochs are known exactly, the rest of one by its share
    std::int64_t labelled = 0;
    for (std::size_t i = 0; i < train.size(); ++i) labelled += train.labelled_tokens(i);
    const double epochs = static_cast<double>(work.steps) / order.steps_per_epoch();
    const bool drops = recipe.data.remainder == recipe::Remainder::drop && order.rows_left() > 0;
    const double taken =
        drops ? 1 - static_cast<double>(order.rows_left()) / static_cast<double>(work.rows_per_epoch) : 1;
    const auto of = [&](std::int64_t count_of_epoch) {
      return static_cast<std::int64_t>(static_cast<double>(count_of_epoch) * epochs * taken);
    };
    work.rows = of(work.rows_per_epoch);
    work.tokens = of(train.tokens());
    work.labelled = of(labelled);
    work.exact = !drops && std::floor(epochs) == epochs;
  }

  const auto validation = data::PreparedSet::open(store, "validation");
  if (validation.size() == 0) return work;
  for (const auto& row : data::rows_in_order(validation, recipe.data.packing, recipe.data.max_length))
    work.validation.push_back(row_work(validation, row));
  work.evaluations = evaluations(recipe, work.steps);
  return work;
}

plan::Work full_work(const recipe::Recipe& recipe, std::int64_t steps) {
  const auto length = static_cast<std::uint32_t>(recipe.data.max_length);
  const std::int64_t rows = recipe.train.global_batch_size;
  plan::Work work{.steps = steps, .rows = steps * rows, .tokens = steps * rows * length, .exact = false};
  work.labelled = work.tokens;
  work.sample = {std::vector<plan::RowWork>(static_cast<std::size_t>(rows), {{length}, length, length})};
  return work;
}

plan::Inputs plan_inputs(const recipe::Recipe& recipe, const fs::path& store, plan::Machine machine) {
  plan::Inputs in{.recipe = recipe,
                  .config = families::read_model(recipe.model.path),
                  .weight_file_bytes = bytes_in(recipe.model.path, ".safetensors"),
                  .machine = std::move(machine)};
  in.weights_are_here = in.weight_file_bytes > 0;
  if (!store.empty()) {
    in.work = work_of(recipe, store);
    return in;
  }
  if (!recipe.train.max_steps)
    throw Error(Fault::usage, cat(recipe.model.path, " has no tokenizer, so that the data's tokens cannot be counted"),
                "give the number of steps: --set train.max_steps=1000; rows then count as full");
  in.work = full_work(recipe, *recipe.train.max_steps);
  return in;
}

plan::SiteFacts site_facts(const site::Site& site, const recipe::Slurm& slurm) {
  plan::SiteFacts facts{.name = site.name,
                        .price_per_node_hour = site.cost.node_hour,
                        .currency = site.cost.currency,
                        .node_watts = site.cost.busy_w,
                        .signal = site.signal};
  if (const auto* partition = site::partition_for(site, slurm.partition, slurm.qos))
    if (const auto longest = site::longest_time_s(*partition, slurm.nodes + slurm.spares); longest && *longest > 0)
      facts.walltime_s = static_cast<double>(*longest);
  return facts;
}

std::optional<std::string> plan_json_for(const recipe::Recipe& recipe, const fs::path& store,
                                         const plan::SiteFacts& site) {
  try {
    plan::Inputs in = plan_inputs(recipe, store, find_machine(""));
    in.site = site;
    return plan::to_json(plan::make_report(in, {}));
  } catch (const Error&) {
    return std::nullopt;  // no machine was probed, or this one is not for this recipe: the run does not depend on it
  }
}

}  // namespace pst::runs
