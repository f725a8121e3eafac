// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "console/text_table.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "recipe/linear_layers.hpp"

namespace pst::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string bytes(std::int64_t count) { return human_bytes(static_cast<std::uint64_t>(count)); }

/// Values that are trained with the method's defaults, and what they take: the file, and memory in training.
std::vector<std::string> sizes(const methods::Method& method, const methods::Places& places,
                               std::vector<std::string>& notes) {
  std::int64_t trained = 0, frozen = 0, saved = 0;
  try {
    for (const auto& tensor : methods::tensors_of(methods::Adapter(method), places)) {
      (tensor.trained ? trained : frozen) += methods::values_of(tensor);
      if (tensor.saved) saved += methods::values_of(tensor);
    }
  } catch (const Error& error) {
    notes.push_back(cat(method.name, ": ", error.message()));
    return {"-", "-", "-"};
  }
  constexpr std::int64_t kOfTrained = 4 * 4 + 2, kOfFrozen = 4;  // masters, gradients, AdamW's two in f32; bf16 copies
  return {grouped(trained), bytes(4 * saved), bytes(kOfTrained * trained + kOfFrozen * frozen)};
}

}  // namespace

Runner add_adapter_list(CLI::App& app) {
  auto model = std::make_shared<std::optional<std::string>>();
  app.add_option("--model", *model, "A model folder: show what each method's defaults train of it, and the memory");
  return [model] {
    std::optional<methods::Places> places;
    if (*model) places = recipe::places_of(families::read_model(**model));
    Rows rows = {{"TYPE", "MERGE", "SERVED BY"}};
    if (places) rows[0].insert(rows[0].end(), {"TRAINED", "FILE", "MEMORY"});
    rows[0].emplace_back("WHAT IT IS");
    std::vector<std::string> notes;
    for (const auto* const method : methods::table()) {
      auto& row = rows.emplace_back(std::vector<std::string>{
          std::string(method->name), methods::kept_apart(methods::Adapter(*method)).empty() ? "yes" : "no",
          method->served_by.empty() ? "PEFT" : cat("PEFT, ", method->served_by)});
      if (places)
        for (auto& cell : sizes(*method, *places, notes)) row.push_back(std::move(cell));
      row.emplace_back(method->help);
    }
    console::print_table(std::cout, rows);
    std::cout << "\nTYPE is the recipe's adapter.type. MERGE: `adapter merge` can write it into the model's weights. "
                 "vLLM and llama.cpp load plain LoRA: no use_dora, lora_bias, bias, alora_invocation_tokens, "
                 "modules_to_save or trainable_token_indices.\n";
    if (places)
      std::cout << "Sizes are those of the method's defaults. MEMORY is that of the trained values in training, with "
                   "gradients and AdamW's state; `peft-studio plan` counts a whole run.\n";
    for (const auto& note : notes) std::cout << note << '\n';
    return 0;
  };
}

}  // namespace pst::cli
