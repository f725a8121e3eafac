// SPDX-License-Identifier: Apache-2.0
#include "requests/generate_request.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "requests/command_line.hpp"
#include "requests/words.hpp"

namespace pst::requests {

void add_options(CLI::App& app, GenerateRequest& request) {
  auto* run = app.add_option("--run", request.run, "The completed run whose model and adapter answer");
  auto* model =
      app.add_option("--model", request.model, "Instead of --run: a model folder that answers")->excludes(run);
  app.add_option("--adapter", request.adapter, "With --model: a PEFT adapter's folder")->needs(model);
  app.add_option("--prompt", request.prompt, "What you say to the model")->required()->envname(kPromptVariable);
  app.add_option("--system", request.system, "System message before the prompt: how the model is to behave")
      ->envname(kSystemVariable);
  app.add_option("--max-new-tokens", request.max_new_tokens, "Longest answer, in tokens")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--temperature", request.temperature,
                 "How varied answers are: 0 takes the most likely token each time, 1 samples as the model predicts")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--top-p", request.top_p,
                 "Sample only among the most likely tokens that together have this probability (0 to 1)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--seed", request.seed, "Start of the random numbers: the same seed gives the same answer")
      ->check(CLI::NonNegativeNumber)  // or -1 would be the largest number there is
      ->capture_default_str();
  app.add_option("--device", request.device,
                 "What to compute on: cpu, cuda, or auto, a GPU where one is there that the model fits into")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  add_time_limit(app, request.time_limit_s);
  app.add_flag("--raw", request.raw, "Continue the prompt as it stands, without the model's chat template");
}

void check(const GenerateRequest& request) {
  if (!request.run && !request.model)
    throw Error(Fault::usage, "neither --run nor --model says what shall answer",
                "--run RUN asks a fine-tuned model, --model DIR any model folder");
}

std::vector<std::string> words_of(const GenerateRequest& request, Texts texts) {
  std::vector<std::string> words;
  if (request.run) add(words, "--run", *request.run);
  if (request.model) add(words, "--model", *request.model);
  if (request.adapter) add(words, "--adapter", *request.adapter);
  if (texts == Texts::as_words) add(words, "--prompt", request.prompt);
  if (texts == Texts::as_words && request.system) add(words, "--system", *request.system);
  add(words, "--max-new-tokens", cat(request.max_new_tokens));
  add(words, "--temperature", number(request.temperature));
  add(words, "--top-p", number(request.top_p));
  add(words, "--seed", cat(request.seed));
  add(words, "--device", request.device);
  add(words, "--time-limit", number(request.time_limit_s));
  if (request.raw) words.emplace_back("--raw");
  return words;
}

}  // namespace pst::requests
