// SPDX-License-Identifier: Apache-2.0
#include "families/harmless_keys.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/strings.hpp"

namespace pst::families {
namespace {

/// Keys of config.json that do not change what a trained model computes, sorted.
constexpr std::array kHarmless = {"_attn_implementation",
                                  "_attn_implementation_autoset",
                                  "_commit_hash",
                                  "_name_or_path",
                                  "_sliding_window_pattern",
                                  "add_bos_token",
                                  "add_cross_attention",
                                  "ai_model_id",
                                  "architectures",
                                  "attn_implementation",
                                  "auto_map",
                                  "bad_words_ids",
                                  "begin_suppress_tokens",
                                  "bos_token_id",
                                  "cache_implementation",
                                  "chunk_size_feed_forward",
                                  "cross_attention_hidden_size",
                                  "custom_pipelines",
                                  "decoder_start_token_id",
                                  "diversity_penalty",
                                  "do_sample",
                                  "dtype",
                                  "early_stopping",
                                  "encoder_no_repeat_ngram_size",
                                  "eos_token_id",
                                  "exponential_decay_length_penalty",
                                  "finetuning_task",
                                  "forced_bos_token_id",
                                  "forced_eos_token_id",
                                  "gradient_checkpointing",
                                  "id2label",
                                  "initializer_factor",
                                  "initializer_range",
                                  "is_decoder",
                                  "is_encoder_decoder",
                                  "keys_to_ignore_at_inference",
                                  "label2id",
                                  "length_penalty",
                                  "max_length",
                                  "min_length",
                                  "mlp_dropout",
                                  "model_type",
                                  "name_or_path",
                                  "no_repeat_ngram_size",
                                  "num_beam_groups",
                                  "num_beams",
                                  "num_return_sequences",
                                  "output_attentions",
                                  "output_hidden_states",
                                  "output_router_logits",
                                  "output_scores",
                                  "pad_token_id",
                                  "prefix",
                                  "pretraining_tp",
                                  "problem_type",
                                  "quantization_config",
                                  "remove_invalid_values",
                                  "repetition_penalty",
                                  "return_dict",
                                  "return_dict_in_generate",
                                  "rope_interleaved",
                                  "sep_token_id",
                                  "suppress_tokens",
                                  "task_specific_params",
                                  "temperature",
                                  "tf_legacy_loss",
                                  "tokenizer_class",
                                  "top_k",
                                  "top_p",
                                  "torch_dtype",
                                  "torchscript",
                                  "transformers.js_config",
                                  "transformers_version",
                                  "typical_p",
                                  "unsloth_fixed",
                                  "unsloth_version",
                                  "use_bfloat16",
                                  "use_cache",
                                  "vocab_size"};

bool says_nothing(const json::Value& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  return value.empty();
}

}  // namespace

void refuse_unread_keys(const json::Object& config) {
  for (const auto& [key, value] : config.unasked()) {
    const bool known = std::find(kHarmless.begin(), kHarmless.end(), key) != kHarmless.end();
    if (known || key.starts_with("_") || says_nothing(value.value())) continue;
    config.refuse(key,
                  cat("is ", json::shown(value.value()), ", and it is not known whether the model then computes ",
                      "something else"),
                  cat("take '", key, "' out of config.json if it does not; else this model is not supported"));
  }
}

}  // namespace pst::families
