// SPDX-License-Identifier: Apache-2.0
#include "data/chat_format.hpp"

#include <array>
#include <cstdio>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"

namespace pst::data {
namespace {

constexpr std::uint64_t kMostBytes = 64u << 20;  // some tokenizer_config.json list every added token

Json read_json(const fs::path& path) {
  Json value = json::parse(read_file(path, kMostBytes), path.string());
  if (!value.is_object()) throw Error(Fault::data, cat(path.string(), " is not a JSON object"));
  return value;
}

/// The value of a special token: a text, or an object with "content".
std::optional<std::string> token_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value["content"].is_string())
    return value["content"].get<std::string>();
  return std::nullopt;
}

struct Texts {
  std::string general;
  std::optional<std::string> tool_use;
};

std::optional<std::string> named(const Json& list, const char* name) {
  for (const Json& entry : list)
    if (entry.is_object() && entry.value("name", Json()) == name && entry.contains("template") &&
        entry["template"].is_string())
      return entry["template"].get<std::string>();
  return std::nullopt;
}

/// `chat_template` of a configuration: a text, or a list of {name, template} of which "default" is meant, and
/// "tool_use" where there are tools, as transformers does it.
std::optional<Texts> template_in(const Json& config, const fs::path& path) {
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return Texts{found->get<std::string>(), {}};
  if (found->is_array())
    if (auto general = named(*found, "default")) return Texts{std::move(*general), named(*found, "tool_use")};
  throw Error(Fault::data, cat(path.string(), ": chat_template is neither a text nor a list with an entry \"default\""),
              "give a Jinja file as data.chat_template");
}

std::string today() {
  const jinja::Day day = jinja::today();
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02d", day.year, day.month, day.day);
  return text.data();
}

/// Templates read reasoning_content, and some of gpt-oss thinking; data have any of three names for it.
void name_reasoning(Json& messages) {
  constexpr std::array kNames = {"reasoning_content", "thinking", "reasoning"};
  for (Json& message : messages) {
    if (!message.is_object()) continue;
    for (const char* const name : kNames) {
      const auto found = message.find(name);
      if (found == message.end() || found->is_null()) continue;
      const Json reasoning = *found;
      if (!message.contains("thinking")) message["thinking"] = reasoning;
      message["reasoning_content"] = reasoning;
      break;
    }
  }
}

}  // namespace

ChatFormat ChatFormat::load(const fs::path& model_dir, const std::optional<std::string>& override_file) {
  ChatFormat format;
  Json config = Json::object();
  const fs::path config_file = model_dir / "tokenizer_config.json";
  if (fs::exists(config_file)) config = read_json(config_file);
  for (const char* name : {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"})
    if (const auto found = config.find(name); found != config.end())
      if (const auto text = token_text(*found)) format.special_tokens_[name] = *text;
  if (const auto eos = format.special_tokens_.find("eos_token"); eos != format.special_tokens_.end())
    format.eos_token_ = eos->get<std::string>();

  const auto use = [&](Texts texts, const fs::path& file) {
    format.template_text_ = std::move(texts.general);
    format.template_file_ = file.string();
    format.template_.emplace(jinja::Template::parse(format.template_text_, format.template_file_));
    if (!texts.tool_use) return;
    format.tool_template_text_ = std::move(*texts.tool_use);
    format.tool_template_.emplace(
        jinja::Template::parse(format.tool_template_text_, cat(format.template_file_, " (tool_use)")));
  };
  const fs::path tool_file = model_dir / "additional_chat_templates" / "tool_use.jinja";
  const fs::path own_file = model_dir / "chat_template.jinja", processor_file = model_dir / "chat_template.json";
  if (override_file) {
    use({read_file(*override_file, kMostBytes), {}}, *override_file);
  } else if (fs::exists(own_file)) {
    std::optional<std::string> tool_use;
    if (fs::exists(tool_file)) tool_use = read_file(tool_file, kMostBytes);
    use({read_file(own_file, kMostBytes), std::move(tool_use)}, own_file);
  } else if (auto texts = template_in(config, config_file)) {
    use(std::move(*texts), config_file);
  } else if (fs::exists(processor_file)) {
    if (auto processor_texts = template_in(read_json(processor_file), processor_file))
      use(std::move(*processor_texts), processor_file);
  }
  return format;
}

const jinja::Template& ChatFormat::template_for(const Json& tools) const {
  PST_ASSERT(has_template(), "callers ask has_template() first");
  return tool_template_ && !tools.is_null() ? *tool_template_ : *template_;
}

Json ChatFormat::variables(const Json& messages, const Json& tools, bool add_generation_prompt,
                           const TemplateValues& values) const {
  Json all = special_tokens_;
  for (const auto& [name, value] : values.arguments.items()) all[name] = value;
  all["messages"] = messages;
  name_reasoning(all["messages"]);
  all["tools"] = tools;  // null, not undefined: templates ask `tools is not none`, as transformers lets them
  all["documents"] = values.documents;
  all["add_generation_prompt"] = add_generation_prompt;
  return all;
}

std::string ChatFormat::render(const Json& messages, const Json& tools, bool add_generation_prompt,
                               const TemplateValues& values) const {
  return template_for(tools).render(variables(messages, tools, add_generation_prompt, values), day_);
}

jinja::MarkedText ChatFormat::render_marked(const Json& messages, const Json& tools,
                                            const TemplateValues& values) const {
  return template_for(tools).render_marked(variables(messages, tools, /*add_generation_prompt=*/false, values), day_);
}

bool ChatFormat::marks_generation(const Json& tools) const { return template_for(tools).marks_generation(); }

bool ChatFormat::reads_clock() const {
  return (template_ && template_->reads_clock()) || (tool_template_ && tool_template_->reads_clock());
}

void ChatFormat::set_day(const std::string& date) {
  jinja::Day day;
  const int read = std::sscanf(date.c_str(), "%4d-%2d-%2d", &day.year, &day.month, &day.day);
  PST_ASSERT(read == 3, "a date is checked where it is read");
  day_ = day;
}

std::string ChatFormat::fix_day(const std::optional<std::string>& date) {
  if (!reads_clock()) return {};
  const std::string day = date.value_or(today());
  set_day(day);
  return day;
}

bool ChatFormat::mentions(const std::string& word) const {
  for (const char quote : {'\'', '"'})
    for (const auto* text : {&template_text_, &tool_template_text_})
      if (text->find(quote + word + quote) != text->npos) return true;
  return false;
}

std::string ChatFormat::digest() const {
  Digester digester;
  digester.add_field(template_text_);
  digester.add_field(special_tokens_.dump());
  if (tool_template_) digester.add_field(tool_template_text_);
  for (const auto* marking : {&template_, &tool_template_})
    if (*marking && (*marking)->marks_generation()) digester.add_field("generation");
  return digester.hex();
}

}  // namespace pst::data
