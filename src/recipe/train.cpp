// SPDX-License-Identifier: Apache-2.0
#include "recipe/train.hpp"

#include "config/fields.hpp"

namespace pst::recipe {

std::vector<std::pair<const char*, Precision>> words_of(Precision) {
  return {{"auto", Precision::automatic}, {"fp32", Precision::fp32}, {"bf16", Precision::bf16}};
}

std::vector<std::pair<const char*, DeviceChoice>> words_of(DeviceChoice) {
  return {{"auto", DeviceChoice::automatic}, {"cpu", DeviceChoice::cpu}, {"cuda", DeviceChoice::cuda}};
}

std::vector<std::pair<const char*, Switch>> words_of(Switch) {
  return {{"auto", Switch::automatic}, {"true", Switch::on}, {"false", Switch::off}};
}

std::vector<std::pair<const char*, Strategy>> words_of(Strategy) {
  return {{"auto", Strategy::automatic},
          {"replicate", Strategy::replicate},
          {"shard", Strategy::shard},
          {"hybrid", Strategy::hybrid}};
}

std::vector<std::pair<const char*, OptimizerState>> words_of(OptimizerState) {
  return {{"replicate", OptimizerState::replicate}, {"shard", OptimizerState::shard}};
}

bool keeps_best(const Train& train) {
  if (train.load_best_model_at_end != Switch::automatic) return train.load_best_model_at_end == Switch::on;
  return train.early_stopping.patience.has_value();
}

int kept_arrays(const Train& train) { return (train.ema.decay ? 1 : 0) + (keeps_best(train) ? 1 : 0); }

void bind(config::Fields& field, Ema& s) {
  field("decay", &s.decay, config::Absent::null, config::from_to_below(0, 1),
        "After every update the average becomes `decay` times itself plus `1 - decay` times the trained values; it "
        "starts as those of the first update, as torch's `AveragedModel` does. 0.99 to 0.9999 are usual; `null`: no "
        "average is kept.");
  field("update_after_step", &s.update_after_step, config::at_least(0),
        "Updates that are not averaged: until then the average is the trained values.");
}

void bind(config::Fields& field, EarlyStopping& s) {
  field("patience", &s.patience, config::Absent::null, config::at_least(1),
        "The run ends after so many evaluations in a row whose loss is not lower than the lowest before them by more "
        "than `threshold`, as transformers' `EarlyStoppingCallback`; the one before the first step does not count. "
        "`null`: it goes on to its last step.");
  field("threshold", &s.threshold, config::at_least(0), "An improvement by no more than this is none.");
}

void bind(config::Fields& field, Train& s) {
  using config::Absent;
  field("epochs", &s.epochs, config::above(0), "Passes over the data; a fraction ends inside one.");
  field("max_steps", &s.max_steps, Absent::null, config::at_least(1),
        "Number of optimizer steps, before or beyond `epochs`.");
  field("micro_batch_size", &s.micro_batch_size, config::at_least(1), "Rows that go through the model at once.");
  field("global_batch_size", &s.global_batch_size, config::at_least(1),
        "Rows of an optimizer step, whatever the number of ranks.");
  field("max_grad_norm", &s.max_grad_norm, config::at_least(0), "Clip the norm of the gradient to this; 0: never.");
  field("neftune_noise_alpha", &s.neftune_noise_alpha, config::at_least(0),
        "NEFTune (arXiv:2310.05914): while training, uniform noise in `[-a, a)` is added to the input embeddings, "
        "`a = alpha / sqrt(tokens * width)`; 0: none. `tokens` is the length of each document, also in a packed row. "
        "transformers and TRL take that of the padded batch or of the packed row, so their noise is weaker there.");
  field("label_smoothing_factor", &s.label_smoothing_factor, config::from_to_below(0, 1),
        "Share `s` of each label that is spread evenly over the vocabulary, as transformers' `LabelSmoother` does it: "
        "a token's loss is `(1 - s)` times that of its label plus `s` times the mean of `-log p` over the vocabulary. "
        "It acts on what is learned. The validation loss stays the plain one (transformers' `eval_loss` does not), so "
        "that runs with other factors compare.");
  field("ema", &s.ema,
        "Exponential moving average of the trained values. Validation and the adapter that is written use the average; "
        "training goes on with the values themselves. It takes 4 bytes for a trained value.");
  field("early_stopping", &s.early_stopping,
        "Ends the run when the validation loss no longer falls. It needs validation examples and "
        "`evaluate.every_steps`.");
  field("load_best_model_at_end", &s.load_best_model_at_end,
        "The adapter that is written has the values with the lowest validation loss, not the last ones. They are kept "
        "beside the trained ones and in checkpoints: 4 bytes for a trained value. `auto`: where `early_stopping` has a "
        "patience.");
  field("precision", &s.precision, "Of the frozen weights and activations; adapters and their optimizer are fp32.");
  field("gradient_checkpointing", &s.gradient_checkpointing,
        "Recompute activations in the backward pass: less memory, more time.");
  field(
      "router_aux_loss_coef", &s.router_aux_loss_coef, Absent::automatic, config::at_least(0),
      "Factor of the loss that balances the experts of a mixture, over the rows of each micro batch; 0: none. `auto`: "
      "that of the model's config.json where its `output_router_logits` is true, else 0. Routers stay frozen; what "
      "they read learns.");
  field("seed", &s.seed, "Decides initial weights, order, dropout and the held-out examples.");
  field("device", &s.device,
        "What to compute on. `auto` takes GPUs where this installation has code for them and every rank finds one of "
        "its own, else CPUs; some nodes with and others without end the run. A job asks for one GPU for each rank "
        "where the site profile names that many for its partition; what a job asked for has to be there. A run that is "
        "resumed goes on where it began.");
  field("threads", &s.threads, Absent::automatic, config::between(1, 4096),
        "CPU threads of a rank; `auto`: the cores that the rank may use.");
}

void bind(config::Fields& field, Parallel& s) {
  field("strategy", &s.strategy,
        "Where the frozen weights live: `replicate`, a whole copy with every rank; `shard`, in equal shares over all "
        "ranks, gathered layer by layer; `hybrid`, in shares over the ranks of each node. `auto` takes the first of "
        "them that fits, and on GPUs `replicate`. The result has the same bits.");
  field("optimizer", &s.optimizer,
        "Where the optimizer's state lives: `replicate`, with every rank, for AdamW 8 bytes for a trained value; "
        "`shard`, in equal shares over all ranks, each of which updates its share of the adapter and sends it to the "
        "others: 8 bytes divided by the ranks, in bf16 12, because the masters lie in shares too. A step sends as much "
        "as before, in bf16 a quarter less. The result has the same bits.");
}

void bind(config::Fields& field, Evaluate& s) {
  field("every_steps", &s.every_steps, config::Absent::null, config::at_least(1),
        "Measure the validation loss this often; `null`: before the first step and after the last only.");
}

}  // namespace pst::recipe
