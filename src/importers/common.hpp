// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "importers/draft.hpp"
#include "importers/foreign_file.hpp"

/// What several programs have in common, most of it Hugging Face's TrainingArguments.
namespace pst::importers {

/// model.path, with a note when the name is one of a hub and not of a folder.
void set_model(ForeignFile& file, Draft& draft, std::string_view key);

/// One dataset as data.train, with a note when it is no file, and one when it is there already.
/// @param format  a word of our `format`
void add_dataset(ForeignFile& file, Draft& draft, std::string_view key, const std::string& dataset, const char* format,
                 const char* list = "data.train");

/// The dataset that the section `path` names as Hugging Face's load_dataset() is called: its files in `data_files`, or
/// the name under `name_key`, and a note when `split` is another than all of it.
void add_loaded_dataset(ForeignFile& file, Draft& draft, const std::string& path, const char* name_key,
                        const char* format, const char* list = "data.train");
/// A note when the text under `key` is none of `plain`, which change nothing.
void drop_unless(ForeignFile& file, std::string_view key, std::initializer_list<std::string_view> plain,
                 const std::string& why = {});

/// adapter.target_modules: `all` and `all-linear` are ours; one word with characters of a regular expression is one.
void set_targets(ForeignFile& file, Draft& draft, std::string_view key, std::vector<std::string> words);

/// micro and global batch size of `ranks` processes that each accumulate.
void set_batches(ForeignFile& file, Draft& draft, std::string_view batch_key, std::int64_t batch,
                 std::int64_t accumulation, int ranks);

void set_optimizer(ForeignFile& file, Draft& draft, std::string_view key);
void set_loraplus(ForeignFile& file, Draft& draft);  ///< keys loraplus_lr_ratio, loraplus_lr_embedding
void set_scheduler(ForeignFile& file, Draft& draft, std::string_view key, const char* otherwise);
void set_precision(ForeignFile& file, Draft& draft);                       ///< keys bf16 and fp16
void set_fraction(ForeignFile& file, Draft& draft, std::string_view key);  ///< data.validation_fraction
void set_saving(ForeignFile& file, Draft& draft);  ///< keys save_steps, save_total_limit, eval_steps, ..._strategy
/// Keys neftune_noise_alpha, label_smoothing_factor, load_best_model_at_end, metric_for_best_model, greater_is_better.
/// @param patience  where the number of evaluations stands that may fail to improve; "": nowhere
void set_regularisers(ForeignFile& file, Draft& draft, std::string_view patience);
void set_warmup(ForeignFile& file, Draft& draft);  ///< keys warmup_steps, which may be a share, and warmup_ratio
/// model.quantization. @param key  to blame for what is not there  @param bits  4, 8, or 0 for none
/// @param type_key  where nf4 or fp4 stands; "" for nf4
void set_quantisation(ForeignFile& file, Draft& draft, std::string_view key, std::int64_t bits,
                      std::string_view type_key, bool double_quantisation);
void refuse(ForeignFile& file, std::string_view key, const std::string& why);  ///< throws Error(usage)

/// Keys of Hugging Face's TrainingArguments that are ours by another name: rate, decay, epochs, seed, clipping ...
void set_training_arguments(ForeignFile& file, Draft& draft);
/// Those that have no counterpart because what they switch is settled here: logging, hub, workers, kernels ...
void ignore_training_arguments(ForeignFile& file);

}  // namespace pst::importers
