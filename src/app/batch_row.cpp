// SPDX-License-Identifier: Apache-2.0
#include "app/batch_row.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/strings.hpp"

namespace pst::app {
namespace {

using data::Json;

[[noreturn]] void refuse(const std::string& key, const std::string& why) {
  throw Error(Fault::data, cat("'", key, "' ", why));
}

double number_of(const std::string& key, const Json& value, double least, double most) {
  if (!value.is_number()) refuse(key, cat("is ", data::kind_of(value), ", not a number"));
  const double number = value.get<double>();
  if (!(number >= least && number <= most))
    refuse(key, cat("is ", pst::number(number), "; it goes from ", pst::number(least), " to ", pst::number(most)));
  return number;
}
std::int64_t integer_of(const std::string& key, const Json& value, std::int64_t least, std::int64_t most) {
  if (!value.is_number_integer()) refuse(key, cat("is ", data::kind_of(value), ", not a whole number"));
  return static_cast<std::int64_t>(number_of(key, value, static_cast<double>(least), static_cast<double>(most)));
}
bool flag_of(const std::string& key, const Json& value) {
  if (!value.is_boolean()) refuse(key, cat("is ", data::kind_of(value), ", not true or false"));
  return value.get<bool>();
}
/// Every token of an answer is held against every stop string.
std::vector<std::string> texts_of(const std::string& key, const Json& value) {
  constexpr std::size_t kMost = 64, kLongest = 1024;
  std::vector<std::string> texts;
  if (value.is_array() && value.size() > kMost) refuse(key, cat("has more than ", kMost, " texts"));
  for (const Json& text : value.is_array() ? value : Json::array({value})) {
    if (text.is_string() && text.get_ref<const std::string&>().size() > kLongest)
      refuse(key, cat("has a text of more than ", kLongest, " bytes"));
    if (!text.is_string() || text.get_ref<const std::string&>().empty())
      refuse(key, "is not a text or a list of texts");
    texts.push_back(text.get<std::string>());
  }
  return texts;
}
std::vector<std::int32_t> tokens_of(const std::string& key, const Json& value) {
  if (!value.is_array()) refuse(key, "is not a list of token ids");
  std::vector<std::int32_t> tokens;
  for (const Json& token : value) tokens.push_back(static_cast<std::int32_t>(integer_of(key, token, 0, 1 << 30)));
  return tokens;
}

/// What is being read.
struct Reading {
  BatchRow& row;
  const Json& body;
  bool ignores_end = false;
};
using Reader = std::function<void(Reading&, const std::string& key, const Json& value)>;

/// A key each: who adds one adds a row.
const std::map<std::string, Reader>& parameters() {
  const auto longest = [](Reading& r, const std::string& key, const Json& value) {
    r.row.sampling.max_new_tokens = integer_of(key, value, 1, 1 << 20);
  };
  const Reader harmless = [](Reading&, const std::string&, const Json&) {};
  static const std::map<std::string, Reader> table = {
      {"max_tokens", longest},
      {"max_completion_tokens", longest},
      {"max_new_tokens", longest},
      {"min_tokens", [](Reading& r, const std::string& k,
                        const Json& v) { r.row.sampling.min_new_tokens = integer_of(k, v, 0, 1 << 20); }},
      {"temperature",
       [](Reading& r, const std::string& k, const Json& v) { r.row.sampling.temperature = number_of(k, v, 0, 100); }},
      {"top_p", [](Reading& r, const std::string& k, const Json& v) { r.row.sampling.top_p = number_of(k, v, 0, 1); }},
      {"top_k", [](Reading& r, const std::string& k,
                   const Json& v) { r.row.sampling.top_k = std::max<std::int64_t>(0, integer_of(k, v, -1, 1 << 30)); }},
      {"min_p", [](Reading& r, const std::string& k, const Json& v) { r.row.sampling.min_p = number_of(k, v, 0, 1); }},
      {"typical_p",
       [](Reading& r, const std::string& k, const Json& v) { r.row.sampling.typical_p = number_of(k, v, 0, 1); }},
      {"repetition_penalty", [](Reading& r, const std::string& k,
                                const Json& v) { r.row.sampling.repetition_penalty = number_of(k, v, 0.01, 100); }},
      {"presence_penalty", [](Reading& r, const std::string& k,
                              const Json& v) { r.row.sampling.presence_penalty = number_of(k, v, -2, 2); }},
      {"frequency_penalty", [](Reading& r, const std::string& k,
                               const Json& v) { r.row.sampling.frequency_penalty = number_of(k, v, -2, 2); }},
      {"seed",
       [](Reading& r, const std::string& k, const Json& v) {
         r.row.sampling.seed = static_cast<std::uint64_t>(integer_of(k, v, 0, std::int64_t{1} << 53));
       }},
      {"n", [](Reading& r, const std::string& k, const Json& v) { r.row.answers = integer_of(k, v, 1, 128); }},
      {"stop", [](Reading& r, const std::string& k, const Json& v) { r.row.stops = texts_of(k, v); }},
      {"return_token_ids", [](Reading& r, const std::string& k, const Json& v) { r.row.gives_ids = flag_of(k, v); }},
      {"include_stop_str_in_output",
       [](Reading& r, const std::string& k, const Json& v) { r.row.keep_stop = flag_of(k, v); }},
      {"stop_token_ids",
       [](Reading& r, const std::string& k, const Json& v) {
         for (const std::int32_t token : tokens_of(k, v)) r.row.sampling.stop_ids.push_back(token);
       }},
      {"ignore_eos", [](Reading& r, const std::string& k, const Json& v) { r.ignores_end = flag_of(k, v); }},
      {"logit_bias",
       [](Reading& r, const std::string& k, const Json& v) {
         if (!v.is_object()) refuse(k, "is not an object of token ids and numbers");
         for (const auto& [token, bias] : v.items()) {
           const auto id = to_int(token);
           if (!id || *id < 0 || *id > 1 << 30) refuse(k, cat("has '", token, "', which is no token id"));
           r.row.sampling.logit_bias.emplace_back(static_cast<std::int32_t>(*id),
                                                  static_cast<float>(number_of(k, bias, -100, 100)));
         }
       }},
      {"logprobs",
       [](Reading& r, const std::string& k, const Json& v) {
         if (v.is_boolean()) {
           if (v.get<bool>()) r.row.log_probabilities = std::max<std::int64_t>(r.row.log_probabilities, 0);
         } else {
           r.row.log_probabilities = integer_of(k, v, 0, 20);
         }
       }},
      {"top_logprobs",
       [](Reading& r, const std::string& k, const Json& v) { r.row.log_probabilities = integer_of(k, v, 0, 20); }},
      // Of the conversation, read elsewhere; of the service, which say nothing of the answer.
      {"messages", harmless},
      {"prompt", harmless},
      {"tools", harmless},
      {"chat_template_kwargs", harmless},
      {"id", harmless},
      {"model", harmless},
      {"user", harmless},
      {"store", harmless},
      {"metadata", harmless},
      {"parallel_tool_calls", harmless},
      {"stream",
       [](Reading&, const std::string& k, const Json& v) {
         if (flag_of(k, v)) refuse(k, "is for a server, not for a file");
       }},
  };
  return table;
}

/// Names of files and folders may be no UTF-8.
std::string line_of(const Json& line) { return line.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string conversation(const Json& body, const data::ChatFormat& format) {
  if (!body["messages"].is_array() || body["messages"].empty()) refuse("messages", "is not a list of messages");
  if (!format.has_template())
    throw Error(Fault::data, "the model has no chat template", "write \"prompt\" in place of \"messages\"");
  data::TemplateValues values;
  if (body.contains("chat_template_kwargs")) values.arguments = body["chat_template_kwargs"];
  return format.render(body["messages"], body.value("tools", Json()), true, values);
}

}  // namespace

std::string id_of(const data::Json& line, int number) {
  for (const char* const key : {"custom_id", "id"})
    if (const auto at = line.find(key); at != line.end()) {
      if (at->is_string() && !at->get_ref<const std::string&>().empty()) return at->get<std::string>();
      if (at->is_number_integer()) return at->dump();
      refuse(key, "is neither a text nor a whole number");
    }
  return cat(number);
}

BatchRow read_row(const data::Json& line, const std::string& id, const data::ChatFormat& format,
                  const tokenizer::Tokenizer& tokenizer, const infer::Sampling& defaults) {
  const bool is_openai = line.contains("body");
  if (is_openai) {
    for (const auto& [key, value] : line.items())
      if (key != "custom_id" && key != "method" && key != "url" && key != "body")
        refuse(key, "is no key of a batch line");
    if (!line["body"].is_object()) refuse("body", "is not an object");
  }
  const Json& body = is_openai ? line["body"] : line;
  BatchRow row{.id = id, .is_chat = body.contains("messages"), .sampling = defaults};
  if (row.is_chat == body.contains("prompt")) throw Error(Fault::data, "a row has either 'messages' or 'prompt'");
  const auto key = Rng(defaults.seed).child(id).key();
  row.sampling.seed = static_cast<std::uint64_t>(key[1]) << 32 | key[0];
  Reading reading{row, body};
  for (const auto& [name, value] : body.items()) {
    const auto known = parameters().find(name);
    if (known == parameters().end()) refuse(name, "is not known");
    if (!value.is_null()) known->second(reading, name, value);
  }
  if (reading.ignores_end)
    std::erase_if(row.sampling.stop_ids, [&](std::int32_t token) {
      return std::find(defaults.stop_ids.begin(), defaults.stop_ids.end(), token) != defaults.stop_ids.end();
    });
  if (row.is_chat) {
    row.prompt = tokenizer.encode(conversation(body, format));
  } else if (body["prompt"].is_string()) {
    row.prompt = tokenizer.encode(body["prompt"].get<std::string>());
  } else {
    row.prompt = tokens_of("prompt", body["prompt"]);
  }
  if (row.prompt.empty()) throw Error(Fault::data, "the prompt is empty");
  return row;
}

std::string answer_line(const BatchRow& row, const std::string& model, const std::vector<BatchAnswer>& answers) {
  Json choices = Json::array();
  std::int64_t completion = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const BatchAnswer& answer = answers[i];
    completion += std::ssize(answer.tokens);
    Json choice = {{"index", i}};
    if (row.is_chat)
      choice["message"] = {{"role", "assistant"}, {"content", answer.text}};
    else
      choice["text"] = answer.text;
    choice["logprobs"] = answer.log_probabilities;
    choice["finish_reason"] = answer.finish_reason;
    if (row.gives_ids) choice["token_ids"] = answer.tokens;
    choices.push_back(std::move(choice));
  }
  const auto prompt = static_cast<std::int64_t>(row.prompt.size());
  const Json body = {
      {"object", row.is_chat ? "chat.completion" : "text_completion"},
      {"model", model},
      {"choices", std::move(choices)},
      {"usage", {{"prompt_tokens", prompt}, {"completion_tokens", completion}, {"total_tokens", prompt + completion}}}};
  return line_of({{"id", row.id}, {"response", {{"status_code", 200}, {"body", body}}}, {"error", nullptr}});
}

std::string error_line(const std::string& id, const std::string& message) {
  return line_of({{"id", id}, {"response", nullptr}, {"error", {{"message", message}}}});
}

}  // namespace pst::app
