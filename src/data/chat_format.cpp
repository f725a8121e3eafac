// SPDX-License-Identifier: Apache-2.0
#include "data/chat_format.hpp"

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

/// `chat_template` of a configuration: a text, or a list of {name, template} of which "default" is meant.
std::optional<std::string> template_in(const Json& config, const fs::path& path) {
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array())
    for (const Json& entry : *found)
      if (entry.is_object() && entry.value("name", Json()) == "default" && entry.contains("template") &&
          entry["template"].is_string())
        return entry["template"].get<std::string>();
  throw Error(Fault::data, cat(path.string(), ": chat_template is neither a text nor a list with an entry \"default\""),
              "give a Jinja file as data.chat_template");
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

  const auto use = [&](std::string text, const fs::path& file) {
    format.template_text_ = std::move(text);
    format.template_file_ = file.string();
    format.template_.emplace(jinja::Template::parse(format.template_text_, format.template_file_));
  };
  const fs::path own_file = model_dir / "chat_template.jinja", processor_file = model_dir / "chat_template.json";
  if (override_file) {
    use(read_file(*override_file, kMostBytes), *override_file);
  } else if (fs::exists(own_file)) {
    use(read_file(own_file, kMostBytes), own_file);
  } else if (auto text = template_in(config, config_file)) {
    use(std::move(*text), config_file);
  } else if (fs::exists(processor_file)) {
    if (auto processor_text = template_in(read_json(processor_file), processor_file))
      use(std::move(*processor_text), processor_file);
  }
  return format;
}

std::string ChatFormat::render(const Json& messages, const Json& tools, bool add_generation_prompt) const {
  PST_ASSERT(has_template(), "callers ask has_template() first");
  Json variables = special_tokens_;
  variables["messages"] = messages;
  variables["tools"] = tools;  // null, not undefined: templates ask `tools is not none`, as transformers lets them
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = add_generation_prompt;
  return template_->render(variables);
}

std::string ChatFormat::digest() const {
  Digester digester;
  digester.add_field(template_text_);
  digester.add_field(special_tokens_.dump());
  return digester.hex();
}

}  // namespace pst::data
