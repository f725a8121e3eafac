// SPDX-License-Identifier: Apache-2.0
#include "requests/infer_request.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "requests/words.hpp"

namespace pst::requests {

void add_options(CLI::App& app, InferRequest& request) {
  auto* run = app.add_option("--run", request.run, "The completed run whose model and adapter answer");
  auto* model =
      app.add_option("--model", request.model, "Instead of --run: a model folder that answers")->excludes(run);
  app.add_option("--adapter", request.adapter, "With --model: a PEFT adapter's folder")->needs(model);
  app.add_option("--input", request.input,
                 "JSONL file: {\"messages\": [...]} or {\"prompt\": \"...\"} a line, or OpenAI's batch lines")
      ->required();
  app.add_option("--output", request.output,
                 "JSONL file that gets an answer a line. One that is there already is gone on with")
      ->required();
  app.add_option("--max-new-tokens", request.max_new_tokens, "Longest answer in tokens, of rows without max_tokens")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--temperature", request.temperature,
                 "How varied answers are, of rows without one: 0 takes the most likely token each time")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--top-p", request.top_p,
                 "Sample only among tokens that together have this probability, of rows without top_p")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--seed", request.seed, "Start of the random numbers, with a row's id, of rows without a seed")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--together", request.together, "Answers computed at a time; their texts do not depend on it")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--retry-errors", request.retry_errors, "Try rows again that ended in an error before");
  app.add_option("--device", request.device,
                 "What to compute on: cpu, cuda, or auto, a GPU where one is there that the model fits into")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
}

void check(const InferRequest& request) {
  if (!request.run && !request.model)
    throw Error(Fault::usage, "neither --run nor --model says what shall answer",
                "--run RUN asks a fine-tuned model, --model DIR any model folder");
  std::error_code ignored;
  if (std::filesystem::equivalent(request.input, request.output, ignored))
    throw Error(Fault::usage, "--input and --output are one file", "name another file for the answers");
}

std::vector<std::string> words_of(const InferRequest& request) {
  std::vector<std::string> words;
  if (request.run) add(words, "--run", *request.run);
  if (request.model) add(words, "--model", *request.model);
  if (request.adapter) add(words, "--adapter", *request.adapter);
  add(words, "--input", request.input);
  add(words, "--output", request.output);
  add(words, "--max-new-tokens", cat(request.max_new_tokens));
  add(words, "--temperature", number(request.temperature));
  add(words, "--top-p", number(request.top_p));
  add(words, "--seed", cat(request.seed));
  add(words, "--together", cat(request.together));
  if (request.retry_errors) words.emplace_back("--retry-errors");
  add(words, "--device", request.device);
  return words;
}

}  // namespace pst::requests
