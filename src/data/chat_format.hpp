// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "data/json_record.hpp"
#include "jinja/template.hpp"

namespace pst::data {

/// What a record gives its template beside messages and tools.
struct TemplateValues {
  Json documents;                   ///< a list of objects; null where there are none
  Json arguments = Json::object();  ///< by name, such as enable_thinking
};

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
  /// set_day(), where a template reads the clock. @param date  absent: today
  /// @return the day that is told; empty where no template reads the clock
  std::string fix_day(const std::optional<std::string>& date);
  /// @param messages  a list of {"role", "content", ...}. What is called reasoning_content, thinking or reasoning is
  ///                  given as reasoning_content, and as thinking, as transformers does it
  /// @param tools     a list, or null where the conversation has none
  /// @throws Error(data) when the template does not take them
  std::string render(const Json& messages, const Json& tools, bool add_generation_prompt,
                     const TemplateValues& values = {}) const;
  /// The whole conversation, with the parts that `{% generation %}` marks. @throws Error(data) as render()
  jinja::MarkedText render_marked(const Json& messages, const Json& tools, const TemplateValues& values) const;
  /// Whether the template for such a conversation says by `{% generation %}` what the model writes.
  bool marks_generation(const Json& tools) const;

  const std::string& eos_token() const { return eos_token_; }  ///< empty when the model names none
  /// Whether `word` stands in the templates in quotes, as roles do that they know.
  bool mentions(const std::string& word) const;
  const std::string& template_file() const { return template_file_; }  ///< for messages; empty when there is none
  std::string digest() const;                                          ///< changes whenever render() could

 private:
  const jinja::Template& template_for(const Json& tools) const;
  Json variables(const Json& messages, const Json& tools, bool add_generation_prompt,
                 const TemplateValues& values) const;

  std::optional<jinja::Template> template_, tool_template_;
  std::string template_text_, tool_template_text_, template_file_, eos_token_;
  std::optional<jinja::Day> day_;
  Json special_tokens_ = Json::object();  // "bos_token": "<s>", ...
};

}  // namespace pst::data
