// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "data/chat_format.hpp"
#include "data/json_record.hpp"
#include "infer/sampling.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::app {

/// What a row of a batch asks for.
struct BatchRow {
  std::string id;  ///< its own, or the number of its line
  bool is_chat = false;
  std::vector<std::int32_t> prompt;
  infer::Sampling sampling;
  std::int64_t answers = 1;
  std::int64_t log_probabilities = -1;  ///< as infer::Request has it
  std::vector<std::string> stops;
  bool keep_stop = false;
  bool gives_ids = false;
};

/// The id of a line, before anything else of it is looked at.
std::string id_of(const data::Json& line, int number);

/// Reads {"messages" | "prompt", ...} or a line of OpenAI's batches {"custom_id", "method", "url", "body"}; the keys
/// are those of OpenAI's API and of vLLM's extensions of it.
/// @param defaults  for what the row does not say; its seed is mixed with the row's id
/// @throws Error(data) naming the key that is unknown or wrong
BatchRow read_row(const data::Json& line, const std::string& id, const data::ChatFormat& format,
                  const tokenizer::Tokenizer& tokenizer, const infer::Sampling& defaults);

/// One answer of a row.
struct BatchAnswer {
  std::string text, finish_reason;
  std::vector<std::int32_t> tokens;
  data::Json log_probabilities;  ///< null where none were asked for
};

/// The line of the output: {"id", "response": {"status_code", "body"}, "error"}, its body as OpenAI's API has it.
std::string answer_line(const BatchRow& row, const std::string& model, const std::vector<BatchAnswer>& answers);
std::string error_line(const std::string& id, const std::string& message);
inline constexpr std::string_view kLineBegins = "{\"id\":\"";  ///< of both

}  // namespace pst::app
