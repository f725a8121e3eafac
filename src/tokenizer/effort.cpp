// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/effort.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::tokenizer {
namespace {

// The compatibility forms of Unicode make 11 bytes of one at most; a model has one such step.
constexpr std::size_t kWrittenPerByte = 32, kWritten = 1 << 20;
constexpr std::uint64_t kStepsPerByte = 1000, kSteps = 1'000'000;
// A hundred times what the tokenizers of published models take.
constexpr double kSecondsPerByte = 4e-6, kSeconds = 0.1;
constexpr double kUnwatched_s = 0.1;  // of the wall's clock, before the thread's own is read

}  // namespace

Effort::Effort(std::size_t text_bytes)
    : text_bytes_(text_bytes),
      bytes_left_(kWritten + kWrittenPerByte * text_bytes),
      steps_left_(kSteps + kStepsPerByte * text_bytes) {}

void Effort::write(std::size_t bytes) {
  if (bytes > bytes_left_)
    throw Error(Fault::data,
                cat("tokenizer.json makes more than ", human_bytes(kWritten + kWrittenPerByte * text_bytes_),
                    " of a text of ", human_bytes(text_bytes_)),
                "take its normalizer and pre_tokenizer from the model's publisher");
  bytes_left_ -= bytes;
}

bool Effort::backtrack(std::uint64_t steps) {
  look_at_clock();
  if (steps > steps_left_) return false;
  steps_left_ -= steps;
  return true;
}

double Effort::most_s() const { return kSeconds + kSecondsPerByte * static_cast<double>(text_bytes_); }

bool Effort::is_late() noexcept {
  next_look_ = work_ + std::min(work_, 256 * kSearch);
  // The time that went by is cheap to read; what this thread computed, which a busy machine leaves alone, is not.
  const double now_s = monotonic_seconds();
  if (started_s_ == 0) started_s_ = now_s;
  if (now_s - started_s_ < kUnwatched_s) return false;
  const double computed_s = thread_cpu_seconds();
  if (computing_from_s_ == 0) computing_from_s_ = computed_s;
  return computed_s - computing_from_s_ > most_s();
}

void Effort::look_at_clock() {
  if (is_late())
    throw Error(Fault::data,
                cat("the patterns of tokenizer.json take more than ", fixed(most_s(), 1), " s on a text of ",
                    human_bytes(text_bytes_)),
                "take its normalizer and pre_tokenizer from the model's publisher");
}

}  // namespace pst::tokenizer
