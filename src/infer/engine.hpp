// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infer/prefix_cache.hpp"
#include "infer/sampling.hpp"
#include "nn/causal_lm.hpp"

namespace pst::infer {

struct EngineOptions {
  std::int64_t max_sequences = 16;     ///< that are computed together
  std::int64_t max_rows = 512;         ///< of a step: one for each answer that goes on, the rest of prompts
  std::int64_t max_cached_tokens = 0;  ///< whose keys and values are held; 0: enough for max_sequences of the longest
  bool prefix_cache = true;
};

struct Request {
  std::string id;
  std::vector<std::int32_t> prompt;
  Sampling sampling;
  std::int64_t log_probabilities = -1;  ///< of the chosen token and of so many of the likeliest; -1: none
};

struct TokenLogProbabilities {
  float chosen = 0;
  std::vector<std::pair<std::int32_t, float>> likeliest;  ///< by falling probability
};

enum class Finish { no, stop, length, cancelled };

/// A token that a request got, or its end. The stop token is no part of an answer.
struct Event {
  std::string id;
  std::optional<std::int32_t> token;
  std::optional<TokenLogProbabilities> log_probabilities;
  Finish finish = Finish::no;
};

/// Answers many requests at a time: each step computes the next token of every answer that is under way, and parts of
/// prompts that wait. A request's tokens are those it gets alone, whatever else the engine computes and in whatever
/// order requests come (ops::RowByRow, kernels/paged_attention).
/// @see Yu et al. 2022, "Orca", OSDI (iteration-level scheduling); Kwon et al. 2023, arXiv:2309.06180 (pages)
class Engine {
 public:
  /// @param model  outlives the engine
  Engine(const nn::CausalLm& model, const EngineOptions& options);
  ~Engine();

  /// @throws Error(usage) when the prompt is empty, leaves no room in the model's positions, or names a token that the
  ///         model has not; when an id is under way already
  void submit(Request request);
  /// Its end is an event of the next step.
  void cancel(const std::string& id);
  bool is_idle() const { return waiting_.empty() && running_.empty(); }
  /// One pass of the model. @return what came of it, in the order of submission
  std::vector<Event> step();

  struct Counts {
    std::int64_t running = 0, waiting = 0;
    std::int64_t pages = 0, free_pages = 0;
    std::int64_t prefix_queried = 0, prefix_found = 0;  ///< tokens of prompts
    std::int64_t put_back = 0;                          ///< answers that gave their pages up, and were computed again
  };
  Counts counts() const;

 private:
  struct Answer;
  struct Share {
    Answer* answer;
    std::int64_t rows;
  };
  std::int64_t rows_wanted(const Answer& answer) const;
  bool shares_prefixes() const;
  void let_in();
  std::vector<Share> share_out();
  bool make_room(Answer& answer, std::int64_t rows, std::vector<Share>& chosen);
  void put_back(Answer& answer);
  void finish(Answer& answer, Finish how, std::vector<Event>& events);
  void advance(Answer& answer, const at::Tensor& logits, std::vector<Event>& events);

  const nn::CausalLm& model_;
  EngineOptions options_;
  nn::KvPages pages_;
  PrefixCache prefixes_;
  std::int64_t all_pages_ = 0, put_back_ = 0, submitted_ = 0;
  std::deque<std::unique_ptr<Answer>> waiting_;
  std::vector<std::unique_ptr<Answer>> running_;  // the oldest first
};

}  // namespace pst::infer
