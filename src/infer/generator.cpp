// SPDX-License-Identifier: Apache-2.0
#include "infer/generator.hpp"

#include "infer/engine.hpp"

namespace pst::infer {

std::vector<std::int32_t> generate(const nn::CausalLm& model, const std::vector<std::int32_t>& prompt,
                                   const Sampling& sampling, const std::function<bool(std::int32_t)>& on_token) {
  Engine engine(model, {.max_sequences = 1, .prefix_cache = false});
  engine.submit({.id = "only", .prompt = prompt, .sampling = sampling});
  std::vector<std::int32_t> answer;
  while (!engine.is_idle())
    for (const Event& event : engine.step()) {
      if (!event.token) continue;
      answer.push_back(*event.token);
      if (on_token && !on_token(*event.token)) engine.cancel(event.id);
    }
  return answer;
}

}  // namespace pst::infer
