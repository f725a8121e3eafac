// SPDX-License-Identifier: Apache-2.0
// Rules on records as training sees them: rendered by the chat template, cut into tokens, labelled.
#include <algorithm>
#include <array>
#include <map>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "data/encoder.hpp"
#include "datarules/model_truth.hpp"
#include "datarules/rule_table.hpp"
#include "datarules/token_counts.hpp"

namespace pst::datarules {
namespace {

constexpr const char* kTrl = "TRL";
constexpr Rule kRefuses{"template-refuses",
                        Level::error,
                        "a record that the chat template or the tokenizer does not take, or that it does not write as "
                        "its beginning plus more",
                        "correct the record, or give another template (data.chat_template)",
                        {},
                        kTrl};
constexpr Rule kLoses{"template-loses",
                      Level::warning,
                      "something in a record that the chat template does not write: tools, documents, keys",
                      "give a template that writes it, or put it into the text",
                      {},
                      kTrl};
constexpr Rule kNothing{"nothing-learned",
                        Level::error,
                        "a record of which no token is learned",
                        "see that its answer is there and has the role `assistant`",
                        {},
                        "TRL issue 6668"};
constexpr Rule kNothingCut{"nothing-learned-when-cut",
                           Level::warning,
                           "a record whose answer begins behind data.max_length: nothing is left to learn",
                           "raise data.max_length, or set data.too_long: skip",
                           {},
                           "TRL issue 6668"};
constexpr Rule kTruncated{"truncated",
                          Level::warning,
                          "a record that is longer than data.max_length",
                          "raise data.max_length, or divide the record",
                          {},
                          "ours",
                          0.01};
constexpr Rule kMuchLost{"much-truncated",
                         Level::error,
                         "learned tokens that are cut off, of all",
                         "raise data.max_length, or divide the records",
                         {0.2, "of the learned tokens"},
                         "ours"};
constexpr Rule kEnd{"end-not-learned",
                    Level::error,
                    "an answer whose last learned token is no control token: the model does not learn to stop",
                    "see that the template's `generation` block includes the end of the turn",
                    {},
                    kTrl};
constexpr Rule kStop{"end-is-no-stop",
                     Level::warning,
                     "an answer whose end is not among eos_token_id of generation_config.json: generation goes on",
                     "add the token's id to eos_token_id of generation_config.json",
                     {},
                     "alignment-handbook issue 127"};
constexpr Rule kTwoStarts{"double-bos",
                          Level::error,
                          "a record that begins with the first token twice",
                          "take bos_token out of the template, or out of the text",
                          {},
                          kTrl};
constexpr Rule kNoStart{"missing-bos",
                        Level::warning,
                        "a record without the first token that this model's tokenizer puts before texts",
                        "let the chat template write bos_token",
                        {},
                        "HF add_bos_token"};
constexpr Rule kStraddles{"boundary-token",
                          Level::warning,
                          "a token that is part of the prompt and of the answer: generation will not see it",
                          "end the prompt with a line end, or begin the answer with the blank",
                          {},
                          "TRL, DPO"};
constexpr Rule kManyTokens{"many-tokens",
                           Level::warning,
                           "a text with many tokens for its length: data, another script",
                           "see whether it is a text that the tokenizer was made for",
                           {1, "tokens a character"},
                           "ours"};
constexpr Rule kFewTokens{"few-tokens",
                          Level::warning,
                          "a text with few tokens for its length: repeats, blanks",
                          "see whether it is a text",
                          {0.1, "tokens a character"},
                          "ours"};
constexpr Rule kOddTokens{
    "odd-tokens",
    Level::warning,
    "a text whose tokens a character are far from the median of all: times or divided by the limit",
    "see whether it is like the others",
    {3, "times the median"},
    "ours"};
constexpr Rule kUnknown{"unknown-token",
                        Level::warning,
                        "the token for what the vocabulary lacks",
                        "take the characters out, or another model",
                        {},
                        "HF unk_token"};
constexpr Rule kBytes{"byte-tokens",
                      Level::warning,
                      "many tokens of single bytes: the vocabulary lacks the characters",
                      "see whether the model was trained on this script",
                      {0.05, "of the tokens"},
                      "ours"};
constexpr Rule kLittle{
    "little-learned",        Level::info, "few of all tokens are learned", "none, where prompts are long",
    {0.05, "of the tokens"}, "ours"};
constexpr Rule kSpike{
    "length-spike",
    Level::warning,
    "answers of one length far more often than of its neighbours, at a usual limit of tokens: cut off",
    "let them be written again with a higher limit",
    {5, "times the neighbours"},
    "ours"};

class TokenChecker final : public Checker {
 public:
  TokenChecker(const CheckContext& context, const RuleChoices& choices)
      : model_(*context.model),
        most_(static_cast<std::size_t>(context.settings.max_length)),
        settings_(unbounded(context.settings)),
        encoder_(model_.tokenizer, model_.format, settings_, data::KeepText::yes),
        choices_(choices) {
    const auto& names = model_.tokenizer.special_names();
    if (names.bos) bos_ = model_.tokenizer.id_of(*names.bos);
    if (names.unk) unk_ = model_.tokenizer.id_of(*names.unk);
    is_byte_ = byte_tokens(model_.tokenizer);
  }

  void look(const RecordView& record, Findings& findings) override {
    if (record.example == nullptr || record.is_bad) return;
    try {
      const data::EncodeResult result = encoder_.encode(*record.example);
      for (const data::Note& note : result.notes)
        if (note.what.starts_with("not written by the chat template"))
          tell(kLoses, record, findings, cat(note.what, " ", note.subject));
      if (result.shown) look_at(record, *result.shown, findings);
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      tell(kRefuses, record, findings, excerpt(error.message(), 0, error.message().size()));
    }
  }

  void finish(Findings& findings) override {
    if (learned_ > 0 && static_cast<double>(lost_) > choices_.limit(kMuchLost) * static_cast<double>(learned_))
      findings.add(kMuchLost, first_cut_, [&] {
        return Hit{cat(grouped(lost_), " of ", grouped(learned_), " learned tokens are behind ", most_,
                       "; here the first record that is cut")};
      });
    if (tokens_ > 0 && static_cast<double>(learned_) < choices_.limit(kLittle) * static_cast<double>(tokens_))
      findings.add(kLittle, {}, [&] { return Hit{cat(grouped(learned_), " of ", grouped(tokens_), " tokens")}; });
    for (const Spike& spike : lengths_.spikes(choices_.limit(kSpike)))
      findings.add(kSpike, spike.first, [&] {
        return Hit{cat(spike.count, " answers of ", spike.length, " tokens, and ", fixed(spike.usual, 1),
                       " at each length beside; here the first")};
      });
    for (const Odd& odd : ratios_.odd_ones(choices_.limit(kOddTokens)))
      findings.add(kOddTokens, odd.place, [&] {
        return Hit{cat(fixed(odd.ratio, 2), " tokens a character; the median is ", fixed(odd.median, 2))};
      });
  }

 private:
  /// What is cut is counted here.
  static recipe::Data unbounded(recipe::Data settings) {
    settings.max_length = 1 << 30;
    settings.too_long = recipe::TooLong::truncate;
    return settings;
  }

  static void tell(const Rule& rule, const RecordView& record, Findings& findings, const std::string& detail) {
    findings.add(rule, record.place, [&] { return Hit{detail}; });
  }

  void look_at(const RecordView& record, const data::Shown& shown, Findings& findings) {
    const auto& pieces = shown.pieces;
    const auto learned = std::count(shown.labelled.begin(), shown.labelled.end(), 1);
    tokens_ += static_cast<std::int64_t>(pieces.size());
    learned_ += learned;
    if (learned == 0) tell(kNothing, record, findings, {});
    if (pieces.size() > most_) look_at_cut(record, shown, learned, findings);
    look_at_start(record, pieces, findings);
    look_at_ends(record, shown, findings);
    look_at_kinds(record, shown, findings);
    if (record.example->kind == data::Example::Kind::pair && !model_.format.has_template())
      for (const auto& piece : pieces)
        if (const auto boundary = record.example->prompt.size(); piece.begin < boundary && boundary < piece.end)
          findings.add(kStraddles, record.place, [&] {
            return Hit{cat("the token ", quoted(model_.tokenizer.bytes_of(piece.id), 40)), "prompt",
                       excerpt(shown.text, boundary, boundary)};
          });
    if (record.example->kind != data::Example::Kind::text && learned > 0)
      lengths_.add(static_cast<std::size_t>(learned), record.place);
  }

  void look_at_cut(const RecordView& record, const data::Shown& shown, std::int64_t learned, Findings& findings) {
    const auto kept =
        std::count(shown.labelled.begin(), shown.labelled.begin() + static_cast<std::ptrdiff_t>(most_), 1);
    if (lost_ == 0) first_cut_ = record.place;
    lost_ += learned - kept;
    tell(kTruncated, record, findings,
         cat(grouped(static_cast<std::int64_t>(shown.pieces.size())), " tokens, of which ", grouped(learned - kept),
             " learned ones are cut off"));
    if (learned > 0 && kept == 0) tell(kNothingCut, record, findings, {});
  }

  void look_at_start(const RecordView& record, const std::vector<tokenizer::Piece>& pieces, Findings& findings) const {
    if (!bos_ || pieces.empty()) return;
    if (pieces.size() > 1 && pieces[0].id == *bos_ && pieces[1].id == *bos_) tell(kTwoStarts, record, findings, {});
    if (model_.adds_bos && pieces[0].id != *bos_) tell(kNoStart, record, findings, {});
  }

  void look_at_ends(const RecordView& record, const data::Shown& shown, Findings& findings) const {
    for (std::size_t i = 0; i < shown.labelled.size(); ++i) {
      const bool is_last = shown.labelled[i] == 1 && (i + 1 == shown.labelled.size() || shown.labelled[i + 1] == 0);
      if (!is_last) continue;
      const std::int32_t id = shown.pieces[i].id;
      const bool stops = std::find(model_.end_ids.begin(), model_.end_ids.end(), id) != model_.end_ids.end();
      if (stops) continue;
      const bool is_control = model_.tokenizer.is_special(id);
      if (is_control && model_.end_ids.empty()) continue;
      findings.add(is_control ? kStop : kEnd, record.place, [&] {
        return Hit{cat("the last learned token is ", quoted(model_.tokenizer.bytes_of(id), 40)),
                   {},
                   excerpt(shown.text, shown.pieces[i].begin, shown.pieces[i].end)};
      });
      return;
    }
  }

  void look_at_kinds(const RecordView& record, const data::Shown& shown, Findings& findings) {
    constexpr std::size_t kLeastCharacters = 50;
    std::size_t bytes = 0;
    bool has_unknown = false;
    for (const auto& piece : shown.pieces) {
      has_unknown = has_unknown || (unk_ && piece.id == *unk_);
      bytes += static_cast<std::size_t>(piece.id) < is_byte_.size() && is_byte_[static_cast<std::size_t>(piece.id)];
    }
    if (has_unknown) tell(kUnknown, record, findings, {});
    const auto count = static_cast<double>(shown.pieces.size());
    if (const double part = static_cast<double>(bytes) / count; part > choices_.limit(kBytes))
      tell(kBytes, record, findings, cat(fixed(100 * part, 1), " % of the tokens"));
    const auto characters = std::count_if(shown.text.begin(), shown.text.end(),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    if (static_cast<std::size_t>(characters) < kLeastCharacters) return;
    const double ratio = count / static_cast<double>(characters);
    if (ratio > choices_.limit(kManyTokens))
      tell(kManyTokens, record, findings, cat(fixed(ratio, 2), " tokens a character"));
    if (ratio < choices_.limit(kFewTokens))
      tell(kFewTokens, record, findings, cat(fixed(ratio, 3), " tokens a character"));
    ratios_.add(ratio, record.place);
  }

  const ModelTruth& model_;
  std::size_t most_;
  recipe::Data settings_;
  data::Encoder encoder_;
  RuleChoices choices_;
  std::optional<std::int32_t> bos_, unk_;
  std::vector<bool> is_byte_;
  std::int64_t tokens_ = 0, learned_ = 0, lost_ = 0;
  Place first_cut_;
  LengthCounts lengths_;
  RatioCounts ratios_;
};

}  // namespace

const RuleFamily kTokenRules{
    []() -> RuleGroup {
      return {"Tokens, with a model",
              {&kRefuses, &kLoses, &kNothing, &kNothingCut, &kTruncated, &kMuchLost, &kEnd, &kStop, &kTwoStarts,
               &kNoStart, &kStraddles, &kManyTokens, &kFewTokens, &kOddTokens, &kUnknown, &kBytes, &kLittle, &kSpike}};
    },
    [](const CheckContext& context, const RuleChoices& choices) -> std::unique_ptr<Checker> {
      if (context.model == nullptr || context.is_quick) return nullptr;
      return std::make_unique<TokenChecker>(context, choices);
    }};

}  // namespace pst::datarules
