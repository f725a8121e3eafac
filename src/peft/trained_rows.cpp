// SPDX-License-Identifier: Apache-2.0
#include "peft/trained_rows.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include "core/error.hpp"
#include "nn/in_use.hpp"

// Shape letters: n rows (tokens), k trained tokens, d width, v vocabulary.
namespace pst::peft {
namespace {

at::Tensor indices_of(const methods::TrainedRows& of, at::Device device) {
  return at::tensor(of.tokens, at::kLong).to(device);
}

/// The base's rows, those of some tokens replaced. Which trained row each takes is a matrix of zeros and ones: its
/// product with the rows is exact, and gradients are added in one order on every device.
class RowsEmbedding final : public nn::Embedding {
 public:
  RowsEmbedding(std::unique_ptr<nn::Embedding> base, const nn::Parameter& rows, at::Tensor tokens_k)
      : base_(std::move(base)), rows_(rows), tokens_k_(std::move(tokens_k)) {}

  at::Tensor rows(const at::Tensor& ids) const override {
    const at::Tensor base_nd = base_->rows(ids);
    const at::Tensor takes_nk = ids.unsqueeze(1) == tokens_k_;
    return at::where(takes_nk.any(1, /*keepdim=*/true), takes_nk.to(base_nd.scalar_type()).mm(nn::in_use(rows_)),
                     base_nd);
  }
  const nn::Embedding& base() const { return *base_; }

 private:
  std::unique_ptr<nn::Embedding> base_;
  const nn::Parameter& rows_;
  at::Tensor tokens_k_;
};

/// A head of which some rows are replaced.
class RowsLinear final : public nn::Linear {
 public:
  RowsLinear(std::unique_ptr<nn::Linear> base, const nn::Parameter& rows, at::Tensor tokens_k)
      : base_(std::move(base)), rows_(rows), tokens_k_(std::move(tokens_k)) {}

  std::int64_t in_features() const override { return base_->in_features(); }
  std::int64_t out_features() const override { return base_->out_features(); }
  at::Tensor weight(at::ScalarType dtype) const override {
    at::NoGradGuard no_gradients;
    return base_->weight(at::kFloat).index_copy(0, tokens_k_, rows_.value).to(dtype);
  }
  at::Tensor apply(const at::Tensor& x_nd) const override {
    at::NoGradGuard no_gradients;
    return with_rows(base_->apply(x_nd), x_nd);
  }
  at::Tensor apply_transposed(const at::Tensor& dy_nv) const override {
    at::NoGradGuard no_gradients;
    const at::Tensor own_nk = at::index_select(dy_nv, 1, tokens_k_);
    return base_->apply_transposed(dy_nv.index_fill(1, tokens_k_, 0)) + own_nk.mm(rows_.compute);
  }
  at::Tensor forward(const at::Tensor& x_nd, const nn::Pass& pass) const override {
    return with_rows(base_->forward(x_nd, pass), x_nd);
  }
  const nn::Linear& base() const { return *base_; }

 private:
  at::Tensor with_rows(const at::Tensor& y_nv, const at::Tensor& x_nd) const {
    return y_nv.index_copy(1, tokens_k_, x_nd.mm(nn::in_use(rows_).t()));
  }
  std::unique_ptr<nn::Linear> base_;
  const nn::Parameter& rows_;
  at::Tensor tokens_k_;
};

std::size_t head_of(const std::vector<nn::LinearSlot>& slots) {
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (slots[i].is_output_head) return i;
  throw Error(Fault::bug, "a model has a head");
}

}  // namespace

std::function<void()> train_rows(nn::CausalLm& model, const methods::TrainedRows& of, nn::Parameter& rows) {
  const at::Tensor tokens_k = indices_of(of, rows.value.device());
  std::function<void()> start;
  if (!of.is_head) {
    std::unique_ptr<nn::Embedding>& slot = *model.embedding().embedding;
    auto embedding = std::make_unique<RowsEmbedding>(std::move(slot), rows, tokens_k);
    start = [&model, &rows, tokens_k, base = &embedding->base()] {
      model.make_embedding_readable();
      rows.value.copy_(base->rows(tokens_k));
    };
    slot = std::move(embedding);
  }
  if (of.is_head || of.ties_head) {
    const std::size_t place = head_of(model.linears());
    std::unique_ptr<nn::Linear>& slot = *model.linears()[place].linear;
    auto head = std::make_unique<RowsLinear>(std::move(slot), rows, tokens_k);
    if (of.is_head)
      start = [&model, &rows, tokens_k, place, base = &head->base()] {
        model.make_readable(place);
        rows.value.copy_(at::index_select(base->weight(at::kFloat), 0, tokens_k));
      };
    slot = std::move(head);
  }
  return start;
}

}  // namespace pst::peft
