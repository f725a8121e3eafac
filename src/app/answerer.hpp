// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/chat_format.hpp"
#include "families/spec.hpp"
#include "infer/sampling.hpp"
#include "nn/causal_lm.hpp"
#include "ops/gpu.hpp"
#include "peft/adapter.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::app {

/// Whom a user asks.
struct Asked {
  std::optional<std::string> run, model, adapter;  ///< a run's folder; or a model's, with an adapter's or without
  std::string device = "auto";                     ///< auto, cpu or cuda
};

/// A model that answers, loaded from the files of a run or of others: its own template, its adapter, its device.
class Answerer {
 public:
  /// Reads what is small. @throws Error(data)
  explicit Answerer(const Asked& asked);
  ~Answerer();

  const families::ModelSpec& spec() const { return spec_; }
  /// Of the adapter's folder, or the model's.
  std::string name() const;
  const tokenizer::Tokenizer& tokenizer() const { return tokenizer_; }
  const data::ChatFormat& format() const { return format_; }
  /// What generate and infer ask for alike, from a request of either. Answers end at the model's own tokens.
  template <class Request>
  infer::Sampling sampling(const Request& request) const {
    infer::Sampling sampling;
    sampling.temperature = request.temperature;
    sampling.top_p = request.top_p;
    sampling.seed = request.seed;
    sampling.max_new_tokens = request.max_new_tokens;
    sampling.stop_ids = stop_ids();
    return sampling;
  }

  /// Reads the weights. @param longest  tokens of the longest conversation that will come; cut to the model's positions
  const nn::CausalLm& load(std::int64_t longest);

 private:
  std::vector<std::int32_t> stop_ids() const;

  struct Files;
  std::unique_ptr<const Files> files_;
  std::string device_;
  families::ModelSpec spec_;
  tokenizer::Tokenizer tokenizer_;
  data::ChatFormat format_;
  std::optional<ops::Gpu> gpu_;
  std::unique_ptr<nn::CausalLm> model_;
  std::unique_ptr<peft::Adapter> adapter_;
};

}  // namespace pst::app
