// SPDX-License-Identifier: Apache-2.0
#include "app/generate.hpp"

#include <iostream>

#include "app/answerer.hpp"
#include "app/this_machine.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/time_limit.hpp"
#include "infer/generator.hpp"
#include "infer/text_stream.hpp"
#include "ops/torch_exec.hpp"

namespace pst::app {
namespace {

std::string conversation(const requests::GenerateRequest& request, const data::ChatFormat& format) {
  if (request.raw || !format.has_template()) return request.prompt;
  data::Json messages = data::Json::array();
  if (request.system) messages.push_back({{"role", "system"}, {"content", *request.system}});
  messages.push_back({{"role", "user"}, {"content", request.prompt}});
  return format.render(messages, nullptr, true);
}

}  // namespace

void generate(const requests::GenerateRequest& request) {
  end_after(request.time_limit_s,
            cat("the answer was not there within ", number(request.time_limit_s), " s (--time-limit)"),
            "a smaller --max-new-tokens, a model that fits into memory, or a longer --time-limit; 0 is none");
  requests::check(request);
  ops::set_threads(usable_cores());
  Answerer answerer({request.run, request.model, request.adapter, request.device});
  const std::vector<std::int32_t> prompt = answerer.tokenizer().encode(conversation(request, answerer.format()));
  if (prompt.empty()) throw Error(Fault::usage, "the prompt is empty");

  const auto& model = answerer.load(static_cast<std::int64_t>(prompt.size()) + request.max_new_tokens);
  infer::TextStream text(answerer.tokenizer(), {});
  infer::generate(model, prompt, answerer.sampling(request), [&](std::int32_t token) {
    std::cout << text.add(token) << std::flush;
    return true;
  });
  std::cout << text.end() << std::endl;
}

}  // namespace pst::app
