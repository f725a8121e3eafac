// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "core/strings.hpp"
#include "datarules/model_truth.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr Rule kSpecial{
    "special-token-in-text",
    Level::warning,
    "a control token spelled in a text: the tokenizer makes that token of it, and a turn ends there",
    "take it out, or write it otherwise (with a blank in it)",
    {},
    "TRL; prompt injection"};

/// What chat templates of many models write, where no model says which are its own. What HTML has too (<s>) is left
/// out.
constexpr std::array<std::string_view, 22> kUsual = {"<|im_start|>",
                                                     "<|im_end|>",
                                                     "<|endoftext|>",
                                                     "<|eot_id|>",
                                                     "<|start_header_id|>",
                                                     "<|end_header_id|>",
                                                     "<|begin_of_text|>",
                                                     "<|end_of_text|>",
                                                     "<|eom_id|>",
                                                     "<|python_tag|>",
                                                     "<start_of_turn>",
                                                     "<end_of_turn>",
                                                     "<|user|>",
                                                     "<|assistant|>",
                                                     "<|system|>",
                                                     "<|end|>",
                                                     "[INST]",
                                                     "[/INST]",
                                                     "<|END_OF_TURN_TOKEN|>",
                                                     "<|START_OF_TURN_TOKEN|>",
                                                     "<\uff5cUser\uff5c>",
                                                     "<\uff5cAssistant\uff5c>"};

class SpecialChecker final : public Checker {
 public:
  explicit SpecialChecker(const ModelTruth* model) : model_(model) {}

  void look(const RecordView& record, Findings& findings) override {
    for (const Text& text : record.texts) {
      if (text.text.find_first_of("<[") == text.text.npos && model_ == nullptr) continue;
      const auto token = found_in(text.text);
      if (!token) continue;
      const auto at = text.text.find(*token);
      findings.add(kSpecial, record, text, quoted(*token, 40), at, at + token->size());
    }
  }

 private:
  std::optional<std::string> found_in(std::string_view text) const {
    if (model_ != nullptr) return model_->tokenizer.special_in(text);
    for (const auto token : kUsual)
      if (text.find(token) != text.npos) return std::string(token);
    return std::nullopt;
  }

  const ModelTruth* model_;
};

}  // namespace

const RuleFamily kSpecialRules{[]() -> RuleGroup {
                                 return {"Control tokens", {&kSpecial}};
                               },
                               [](const CheckContext& context, const RuleChoices&) -> std::unique_ptr<Checker> {
                                 return std::make_unique<SpecialChecker>(context.model);
                               }};

}  // namespace pst::datarules
