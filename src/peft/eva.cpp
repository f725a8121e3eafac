// SPDX-License-Identifier: Apache-2.0
#include "peft/eva.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/index_select.h>

#include <algorithm>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "ops/torch_exec.hpp"
#include "peft/incremental_svd.hpp"
#include "peft/watched_linear.hpp"

namespace pst::peft {
struct Eva::Study {
  std::int64_t components = 0, rank = 0;
  std::size_t same_as = 0;  ///< the first layer that has this input; itself
  std::string digest;       ///< of the first batch's input
  std::unique_ptr<IncrementalSvd> svd;
  std::vector<bool> converged;
  bool watched = true;
};

struct Eva::Watch {
  Wrapped<WatchedLinear> layers;
};

Eva::Eva(nn::CausalLm& model, std::vector<methods::Studied> layers, const methods::EvaConfig& config,
         std::int64_t most_passes)
    : model_(model), config_(config), layers_(std::move(layers)), most_passes_(most_passes) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Study& study = studies_.emplace_back();
    study.components = methods::eva_components(config_, layers_[i].r);
    study.same_as = i;
    budget_ += layers_[i].r;
  }
}
Eva::~Eva() = default;

bool Eva::has_settled(std::size_t layer) const {
  const Study& study = studies_[layer];
  return std::all_of(study.converged.begin(), study.converged.begin() + study.rank,
                     [](bool settled) { return settled; });
}

bool Eva::wants_more() {
  if (passes_ == 0) return true;
  bool all = true;
  for (const std::size_t i : first_) {
    studies_[i].watched = !has_settled(i);
    all = all && !studies_[i].watched;
  }
  return !all;
}

void Eva::before(const at::Tensor& rows) {
  rows_ = rows;
  watch_ = std::make_unique<Watch>();
  std::vector<nn::LinearSlot> slots = model_.linears();
  for (std::size_t i = 0; i < layers_.size(); ++i)
    if (studies_[i].watched)
      watch_->layers.add(*slots[layers_[i].layer].linear, [this, i](const at::Tensor& x_ni) { look(i, x_ni); });
}

void Eva::look(std::size_t layer, const at::Tensor& x_ni) {
  Study& study = studies_[layer];
  const at::Tensor seen_ni = (rows_.defined() ? at::index_select(x_ni, 0, rows_) : x_ni).to(at::kFloat);
  if (passes_ == 0) {
    const at::Tensor here = seen_ni.cpu().contiguous();
    study.digest = digest(std::as_bytes(ops::view_of(here).as<float>()));
    return;
  }
  if (seen_ni.size(0) < study.components) return;
  const at::Tensor before = study.svd->directions();
  study.svd->add(seen_ni);
  if (!before.defined()) return;
  const at::Tensor now = study.svd->directions();
  const at::Tensor settled = at::cosine_similarity(now, before.to(now.scalar_type()), 1).ge(config_.tau).cpu();
  for (std::int64_t k = 0; k < study.components; ++k)
    study.converged[static_cast<std::size_t>(k)] = settled[k].item<bool>();
}

void Eva::find_equal_inputs() {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < studies_.size(); ++i) {
    Study& study = studies_[i];
    study.same_as = first.emplace(study.digest, i).first->second;
    Study& of_first = studies_[study.same_as];
    of_first.components = std::max(of_first.components, study.components);
    (study.same_as == i ? first_ : others_).push_back(i);
  }
  for (Study& study : studies_) {
    study.components = studies_[study.same_as].components;
    study.rank = study.components;
    study.watched = &study == &studies_[study.same_as];
    if (!study.watched) continue;
    study.svd = std::make_unique<IncrementalSvd>(study.components);
    study.converged.assign(static_cast<std::size_t>(study.components), false);
  }
}

/// The budget of ranks goes to the directions that explain most, whichever layer they are of.
void Eva::share_out() {
  std::vector<at::Tensor> shares;
  std::vector<std::size_t> owner;
  std::vector<std::size_t> in_turn = first_;
  in_turn.insert(in_turn.end(), others_.begin(), others_.end());
  for (const std::size_t i : in_turn) {
    shares.push_back(studies_[studies_[i].same_as].svd->explained_share().to(at::kCPU, at::kDouble));
    owner.insert(owner.end(), static_cast<std::size_t>(shares.back().size(0)), i);
    studies_[i].rank = 0;
  }
  const at::Tensor best =
      at::argsort(at::cat(shares), /*dim=*/0, /*descending=*/true);  // equal ones as PEFT's sort has them
  const std::int64_t most = std::min(budget_, best.size(0));
  for (std::int64_t k = 0; k < most; ++k)
    ++studies_[owner[static_cast<std::size_t>(best[k].item<std::int64_t>())]].rank;
  // Convergence is judged for the first layer of an input: it has the highest rank of them.
  for (const std::size_t i : others_) {
    Study &study = studies_[i], &first = studies_[study.same_as];
    if (first.rank < study.rank) std::swap(first.rank, study.rank);
  }
}

void Eva::after() {
  watch_.reset();
  if (passes_++ == 0) return find_equal_inputs();
  const auto begun = [&](std::size_t i) { return studies_[i].svd->begun(); };
  const bool all_begun = std::all_of(first_.begin(), first_.end(), begun);
  if (all_begun) share_out();
  if (passes_ < most_passes_) return;
  const auto open =
      std::find_if(first_.begin(), first_.end(), [&](std::size_t i) { return !begun(i) || !has_settled(i); });
  if (open == first_.end()) return;
  const std::size_t layer = *open;
  throw Error(
      Fault::data,
      begun(layer) ? cat("EVA's directions of ", layers_[layer].name, " have not settled in ", most_passes_, " batches")
                   : cat("no batch has ", studies_[layer].components, " tokens that EVA may look at, which ",
                         layers_[layer].name, " needs"),
      begun(layer) ? "lower adapter.eva_config.tau, or raise train.micro_batch_size"
                   : "raise train.micro_batch_size, set adapter.eva_config.use_label_mask: false, or lower adapter.r");
}

std::map<std::string, at::Tensor> Eva::result() const {
  std::map<std::string, at::Tensor> starts;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Study& study = studies_[i];
    if (study.rank == 0) continue;
    const IncrementalSvd& svd = *studies_[study.same_as].svd;
    at::Tensor a_ri = svd.directions().slice(0, 0, study.rank);
    if (config_.whiten) a_ri = a_ri / svd.singular_values().slice(0, 0, study.rank).sqrt().unsqueeze(1);
    starts[layers_[i].name] = a_ri.to(at::kFloat);
  }
  return starts;
}

}  // namespace pst::peft
