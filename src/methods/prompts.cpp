// SPDX-License-Identifier: Apache-2.0
// Methods that put learned rows, or learned keys and values, before every document.
#include "methods/prompts.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "config/one_of.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, PromptStart>> words_of(PromptStart) {
  return {{"RANDOM", PromptStart::random}, {"TEXT", PromptStart::text}, {"SAMPLE_VOCAB", PromptStart::vocabulary}};
}
std::vector<std::pair<const char*, Reparameterization>> words_of(Reparameterization) {
  return {{"MLP", Reparameterization::mlp}, {"LSTM", Reparameterization::lstm}};
}

namespace {

void bind_count(config::Fields& field, int& count, const char* help) {
  field("num_virtual_tokens", &count, config::between(1, 65536), help);
}

AdapterTensor encoder(const std::string& name, std::vector<std::int64_t> shape) {
  return {.name = kEncoderPrefix + name, .shape = std::move(shape), .saved = false};
}
AdapterTensor made(std::vector<std::int64_t> shape) {
  return {.name = kPromptEmbeddings, .shape = std::move(shape), .trained = false};
}

// Prompt tuning.

void bind_prompt(config::Fields& field, Adapter& adapter) {
  PromptTuning& s = adapter.as<PromptTuning>();
  bind_count(field, s.num_virtual_tokens, "Learned rows before every document; they take positions.");
  field("prompt_tuning_init", &s.prompt_tuning_init,
        "What they start with: `RANDOM` normal values, `TEXT` the embedding of prompt_tuning_init_text, repeated or "
        "cut, `SAMPLE_VOCAB` that of tokens drawn by `train.seed`.");
  field("prompt_tuning_init_text", &s.prompt_tuning_init_text, config::Absent::null, config::anything(),
        "Text of `TEXT`.");
}

void require_rows_without_tokens(const Places& places) {
  if (places.has_token_vectors)
    throw Error(Fault::usage, "this model's layers have vectors of each token, and learned rows are no tokens",
                "take lora");
}

std::vector<AdapterTensor> prompt_tensors(const Adapter& adapter, const Places& places) {
  require_rows_without_tokens(places);
  const PromptTuning& s = adapter.as<PromptTuning>();
  if ((s.prompt_tuning_init == PromptStart::text) != s.prompt_tuning_init_text.has_value())
    throw Error(Fault::usage,
                s.prompt_tuning_init_text ? "adapter.prompt_tuning_init_text is set, and prompt_tuning_init is not TEXT"
                                          : "adapter.prompt_tuning_init is TEXT, and there is no text",
                s.prompt_tuning_init_text ? "write prompt_tuning_init: TEXT" : "write prompt_tuning_init_text: ...");
  return {{.name = kPromptEmbeddings, .shape = {s.num_virtual_tokens, places.embedding_width}}};
}

// P-tuning.

void bind_p(config::Fields& field, Adapter& adapter) {
  PTuning& s = adapter.as<PTuning>();
  bind_count(field, s.num_virtual_tokens, "Learned rows before every document; they take positions.");
  field("encoder_reparameterization_type", &s.encoder_reparameterization_type,
        "The network that makes the rows: `MLP`, or `LSTM` with an MLP behind it. It is not in PEFT's files.");
  field("encoder_hidden_size", &s.encoder_hidden_size, config::Absent::null, config::at_least(1),
        "Width inside of it; null: the embedding's.");
  field("encoder_num_layers", &s.encoder_num_layers, config::between(1, 16), "Of the LSTM; an MLP has three.");
  field("encoder_dropout", &s.encoder_dropout, config::between(0, 0), "Between the LSTM's layers: 0 only.");
}

std::vector<AdapterTensor> p_tensors(const Adapter& adapter, const Places& places) {
  require_rows_without_tokens(places);
  const PTuning& s = adapter.as<PTuning>();
  const std::int64_t width = places.embedding_width, inner = s.encoder_hidden_size.value_or(static_cast<int>(width));
  std::vector<AdapterTensor> all{encoder("embedding.weight", {s.num_virtual_tokens, width})};
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    all.push_back(encoder(name + ".weight", {out, in}));
    all.push_back(encoder(name + ".bias", {out}));
  };
  if (s.encoder_reparameterization_type == Reparameterization::mlp) {
    linear("mlp_head.0", inner, width);
    linear("mlp_head.2", inner, inner);
    linear("mlp_head.4", width, inner);
  } else {
    for (int layer = 0; layer < s.encoder_num_layers; ++layer)
      for (const char* const way : {"", "_reverse"}) {
        const std::int64_t in = layer == 0 ? width : 2 * inner;
        const std::string end = cat("_l", layer, way);
        all.push_back(encoder("lstm_head.weight_ih" + end, {4 * inner, in}));
        all.push_back(encoder("lstm_head.weight_hh" + end, {4 * inner, inner}));
        all.push_back(encoder("lstm_head.bias_ih" + end, {4 * inner}));
        all.push_back(encoder("lstm_head.bias_hh" + end, {4 * inner}));
      }
    linear("mlp_head.0", 2 * inner, 2 * inner);
    linear("mlp_head.2", width, 2 * inner);
  }
  all.push_back(made({s.num_virtual_tokens, width}));
  return all;
}

// Prefix tuning.

void bind_prefix(config::Fields& field, Adapter& adapter) {
  PrefixTuning& s = adapter.as<PrefixTuning>();
  bind_count(field, s.num_virtual_tokens, "Learned keys and values before every document, in each layer.");
  field("prefix_projection", &s.prefix_projection,
        "Make them with a network of two layers, which is not in PEFT's files.");
  field("encoder_hidden_size", &s.encoder_hidden_size, config::Absent::null, config::at_least(1),
        "Width inside of that network; null: the keys'.");
}

std::int64_t key_width(const Places& places) {
  for (const std::int64_t width : places.key_values)
    if (width == 0 || width != places.key_values.front())
      throw Error(Fault::usage,
                  width == 0 ? "prefix_tuning needs keys and values in every layer, and this model has recurrent ones"
                             : "prefix_tuning needs keys of one width, and this model's layers differ",
                  "take prompt_tuning, or lora");
  return places.key_values.front();
}

std::vector<AdapterTensor> prefix_tensors(const Adapter& adapter, const Places& places) {
  const PrefixTuning& s = adapter.as<PrefixTuning>();
  const std::int64_t width = key_width(places), all = 2 * width * std::ssize(places.key_values);
  if (!s.prefix_projection) return {{.name = kPromptEmbeddings, .shape = {s.num_virtual_tokens, all}}};
  const std::int64_t inner = s.encoder_hidden_size.value_or(static_cast<int>(width));
  return {encoder("embedding.weight", {s.num_virtual_tokens, width}),
          encoder("transform.0.weight", {inner, width}),
          encoder("transform.0.bias", {inner}),
          encoder("transform.2.weight", {all, inner}),
          encoder("transform.2.bias", {all}),
          made({s.num_virtual_tokens, all})};
}

/// What PEFT finds out by itself where it is null.
constexpr std::string_view kFixed = R"({"modules_to_save": null, "num_attention_heads": null, "num_layers": null,
                                        "num_transformer_submodules": null, "token_dim": null})";

std::string_view stands_before(const Adapter&) {
  return "what it learned stands before every document, in no weight of the model";
}

}  // namespace

extern const Method kPTuning, kPrefixTuning, kPromptTuning;
const Method kPromptTuning{
    .name = "prompt_tuning",
    .help = "Learned rows before the embedded tokens (Lester et al. 2021, arXiv:2104.08691).",
    .defaults = [](Adapter& s) { s.own = PromptTuning{}; },
    .bind = &bind_prompt,
    .beside = &prompt_tensors,
    .virtual_rows = [](const Adapter& s) { return std::int64_t{s.as<PromptTuning>().num_virtual_tokens}; },
    .start_text = [](const Adapter& s) { return s.as<PromptTuning>().prompt_tuning_init_text; },
    .starts_at_base = [](const Adapter&) { return false; },
    .kept_apart = &stands_before,
    .fixed = kFixed};
const Method kPTuning{.name = "p_tuning",
                      .help = "Learned rows that a small network makes (Liu et al. 2021, arXiv:2103.10385).",
                      .defaults = [](Adapter& s) { s.own = PTuning{}; },
                      .bind = &bind_p,
                      .beside = &p_tensors,
                      .virtual_rows = [](const Adapter& s) { return std::int64_t{s.as<PTuning>().num_virtual_tokens}; },
                      .starts_at_base = [](const Adapter&) { return false; },
                      .kept_apart = &stands_before,
                      .fixed = kFixed};
const Method kPrefixTuning{
    .name = "prefix_tuning",
    .help = "Learned keys and values in each layer (Li and Liang 2021, arXiv:2101.00190).",
    .defaults = [](Adapter& s) { s.own = PrefixTuning{}; },
    .bind = &bind_prefix,
    .beside = &prefix_tensors,
    .virtual_rows = [](const Adapter& s) { return std::int64_t{s.as<PrefixTuning>().num_virtual_tokens}; },
    .starts_at_base = [](const Adapter&) { return false; },
    .kept_apart = &stands_before,
    .fixed = kFixed};

}  // namespace pst::methods
