// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace pst::infer {

/// How tokens are chosen. Names, meanings and the order in which they act are those of transformers' `generate`; what
/// is not there (frequency, presence) is OpenAI's.
struct Sampling {
  double temperature = 0;  ///< 0: the most likely token
  std::int64_t top_k = 0;  ///< sample among the k most likely tokens, and those like the last of them; 0: all
  double top_p = 1;        ///< sample among the fewest tokens that hold this much probability
  double min_p = 0;        ///< leave out what is less likely than so many times the most likely
  double typical_p = 1;    ///< sample among tokens of about the expected surprise, until they hold so much probability
  double repetition_penalty = 1;  ///< divides positive, multiplies negative logits of tokens of prompt and answer
  double frequency_penalty = 0;   ///< taken off a token's logit for each time that the answer has it
  double presence_penalty = 0;    ///< taken off once where the answer has it
  std::vector<std::pair<std::int32_t, float>> logit_bias;
  std::uint64_t seed = 42;
  std::uint64_t sample = 0;  ///< number of this answer among several to one prompt: draws of their own
  std::int64_t min_new_tokens = 0;
  std::int64_t max_new_tokens = 256;
  std::vector<std::int32_t> stop_ids;
};

/// What a sequence has so far.
struct Context {
  std::span<const std::int32_t> prompt, answer;
};

/// Logits of the next token as they are drawn from: what is left out is -infinity.
/// @param logits  f32 [vocabulary]
/// @see Holtzman et al. 2020, arXiv:1904.09751 (top p); Keskar et al. 2019, arXiv:1909.05858, section 4.1 (repetition);
///      Meister et al. 2023, arXiv:2202.00666 (typical); Nguyen et al. 2024, arXiv:2407.01082 (min p)
std::vector<float> processed(std::vector<float> logits, const Sampling& sampling, const Context& context);

/// Chooses the next token, with the random number of its position. Ties of the most likely go to the lower id.
std::int32_t choose_token(std::vector<float> logits, const Sampling& sampling, const Context& context);

/// Log-probabilities, by softmax in double.
std::vector<float> log_softmax(std::span<const float> logits);

}  // namespace pst::infer
