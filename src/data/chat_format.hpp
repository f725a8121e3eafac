// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "data/json_record.hpp"
#include "jinja/template.hpp"

namespace pst::data {

/// How a model writes a conversation as text: its chat template and the names of its special tokens.
class ChatFormat {
 public:
  /// The template is `override_file`, else chat_template.jinja, else the one in tokenizer_config.json (a text, or the
  /// entry "default" of a list), else the one in chat_template.json. A model may have none. Where the model's own
  /// templates have names, "tool_use" (of the list, or in additional_chat_templates/) is for conversations with tools.
  /// @throws Error(data) naming the file that is wrong
  static ChatFormat load(const std::filesystem::path& model_dir, const std::optional<std::string>& override_file);

  bool has_template() const { return template_.has_value(); }
  /// Whether what is written may depend on the day.
  bool reads_clock() const;
  /// The day that templates are told from now on: "2026-11-30"; else they read the machine's clock.
  void set_day(const std::string& date);
  /// @param messages  a list of {"role", "content", ...}
  /// @param tools     a list, or null where the conversation has none
  /// @throws Error(data) when the template does not take them
  std::string render(const Json& messages, const Json& tools, bool add_generation_prompt) const;

  const std::string& eos_token() const { return eos_token_; }  ///< empty when the model names none
  /// Whether `word` stands in the templates in quotes, as roles do that they know.
  bool mentions(const std::string& word) const;
  const std::string& template_file() const { return template_file_; }  ///< for messages; empty when there is none
  std::string digest() const;                                          ///< changes whenever render() could

 private:
  std::optional<jinja::Template> template_, tool_template_;
  std::string template_text_, tool_template_text_, template_file_, eos_token_;
  std::optional<jinja::Day> day_;
  Json special_tokens_ = Json::object();  // "bos_token": "<s>", ...
};

}  // namespace pst::data
