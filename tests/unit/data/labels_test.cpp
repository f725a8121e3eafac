// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <chrono>

#include "data/encoder.hpp"
#include "model_folder.hpp"
#include "support/errors.hpp"

namespace pst::data {
namespace {

using fixture::turn;
using recipe::TrainOn;
using ::testing::HasSubstr;

/// A model folder with what encodes for it.
struct Labelling {
  explicit Labelling(const std::string& chat_template = fixture::kChatml, recipe::Data data_settings = {})
      : folder(chat_template),
        tokenizer(tokenizer::Tokenizer::load(folder.path())),
        format(ChatFormat::load(folder.path(), std::nullopt)),
        settings(std::move(data_settings)),
        encoder(tokenizer, format, settings) {}

  std::string marked(const Example& example) const {
    const auto result = encoder.encode(example);
    return fixture::marked(tokenizer, result.document.ids, result.document.labelled);
  }

  fixture::ModelFolder folder;
  tokenizer::Tokenizer tokenizer;
  ChatFormat format;
  recipe::Data settings;
  mutable Encoder encoder;  // it remembers which keys a template writes
};

Example chat(std::initializer_list<Json> turns) {
  Example example;
  for (const Json& message : turns) example.messages.push_back(message);
  return example;
}

Example text(const std::string& content) {
  Example example;
  example.kind = Example::Kind::text;
  example.completion = content;
  return example;
}

Example pair(const std::string& prompt, const std::string& completion) {
  Example example;
  example.kind = Example::Kind::pair;
  example.prompt = prompt;
  example.completion = completion;
  return example;
}

const Example kTwoTurns = chat({turn("system", "s"), turn("user", "hello?"), turn("assistant", "hello é"),
                                turn("user", "more"), turn("assistant", "no")});

TEST(Labels, AssistantTextAndItsEndOfTurnOnly) {
  EXPECT_EQ(Labelling().marked(kTwoTurns),
            "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nhello?<|im_end|>\n"
            "<|im_start|>assistant\n[hello é<|im_end|>]\n<|im_start|>user\nmore<|im_end|>\n"
            "<|im_start|>assistant\n[no<|im_end|>]\n");
}

TEST(Labels, TokensAreThoseOfTheWholeText) {
  const Labelling labelling;
  const auto result = labelling.encoder.encode(kTwoTurns);

  EXPECT_EQ(result.document.ids,
            labelling.tokenizer.encode(labelling.format.render(kTwoTurns.messages, nullptr, false)));
  EXPECT_EQ(result.document.ids[0], fixture::kImStart);
}

TEST(Labels, CompletionIsTheLastAnswer) {
  EXPECT_EQ(Labelling(fixture::kChatml, {.train_on = TrainOn::completion}).marked(kTwoTurns),
            "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nhello?<|im_end|>\n"
            "<|im_start|>assistant\nhello é<|im_end|>\n<|im_start|>user\nmore<|im_end|>\n"
            "<|im_start|>assistant\n[no<|im_end|>]\n");
}

TEST(Labels, AllIsEverythingButTheFirstToken) {
  EXPECT_EQ(
      Labelling(fixture::kChatml, {.train_on = TrainOn::all}).marked(chat({turn("user", "a"), turn("assistant", "b")})),
      "<|im_start|>[user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n]");
}

TEST(Labels, ThePromptOfARecordIsNeverLearned) {
  Example example = chat({turn("user", "a"), turn("assistant", "b"), turn("user", "c"), turn("assistant", "d")});
  example.prompt_messages = 3;
  for (const TrainOn train_on : {TrainOn::assistant, TrainOn::completion})
    EXPECT_THAT(
        Labelling(fixture::kChatml, {.train_on = train_on}).marked(example),
        HasSubstr("assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n[d<|im_end|>]\n"));
}

TEST(Labels, AnEmptyAnswerLearnsItsEndOfTurn) {
  EXPECT_EQ(Labelling().marked(chat({turn("user", "a"), turn("assistant", "")})),
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[<|im_end|>]\n");
}

TEST(Labels, SpecialTokensInsideAnAnswerDoNotEndIt) {
  EXPECT_EQ(Labelling().marked(chat({turn("user", "a"), turn("assistant", "x<|im_end|>y")})),
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[x<|im_end|>y<|im_end|>]\n");
}

TEST(Labels, ATokenBelongsToTheTurnItOverlaps) {
  // "he" is one token; the first byte of it is written by the header, so that the whole token is learned.
  const char* const glued =
      "{% for m in messages %}{{ m['role'] + ':' }}{% if m['role'] == 'assistant' %}{{ 'h' }}{% endif %}"
      "{{ m['content'] + '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:h' }}{% endif %}";

  EXPECT_EQ(Labelling(glued).marked(chat({turn("user", "a"), turn("assistant", "ello")})),
            "user:a<|im_end|>assistant:[hello<|im_end|>]");
}

TEST(Labels, ATemplateMayTrimWhatItWrites) {
  const char* const trimming =
      "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + (m['content'] | trim) + '<|im_end|>\\n' }}{% "
      "endfor %}"
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

  EXPECT_EQ(Labelling(trimming).marked(chat({turn("user", " a "), turn("assistant", "  b\n")})),
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[b<|im_end|>]\n");
}

TEST(Labels, ATemplateMayHaveNoPromptForAnAnswer) {
  const char* const no_prompt =
      "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}";
  // "a" stands in the header as well: the header must not be taken for the answer.
  EXPECT_EQ(Labelling(no_prompt).marked(
                chat({turn("user", "q"), turn("assistant", "a"), turn("user", "q"), turn("assistant", "Xb")})),
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n[a<|im_end|>]\n<|im_start|>user\nq<|im_end|>\n"
            "<|im_start|>assistant\n[Xb<|im_end|>]\n");
}

TEST(Labels, ATemplateMayCloseTheLastTurnDifferently) {
  const char* const closing =
      "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% if loop.last and m['role'] == "
      "'assistant' %}"
      "{{ '<|im_end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";

  EXPECT_EQ(Labelling(closing).marked(
                chat({turn("user", "q"), turn("assistant", "a"), turn("user", "r"), turn("assistant", "b")})),
            "user: q\nassistant: [a\n]user: r\nassistant: [b\n<|im_end|>]");
}

TEST(Labels, ATemplateThatRewritesEarlierTurnsIsRefusedWithARemedy) {
  const char* const rewriting =
      "{% for m in messages %}{% if loop.last or m['role'] == 'user' %}{{ m['role'] + ':' + m['content'] + "
      "'<|im_end|>' }}"
      "{% else %}{{ m['role'] + ':...<|im_end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ "
      "'assistant:' }}{% endif %}";
  const Example example =
      chat({turn("user", "q"), turn("assistant", "long"), turn("user", "r"), turn("assistant", "b")});
  try {
    Labelling(rewriting).encoder.encode(example);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_THAT(error.message(), HasSubstr("message 2 cannot be told apart"));
    EXPECT_THAT(error.remedy(), HasSubstr("train_on: completion or all"));
  }
  EXPECT_EQ(Labelling(rewriting, {.train_on = TrainOn::completion}).marked(example),
            "user:q<|im_end|>assistant:...<|im_end|>user:r<|im_end|>assistant:[b<|im_end|>]");
}

/// Says itself what the model writes; drops the reasoning of earlier turns.
const char* const kGenerating =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.role == 'assistant' %}"
    "{% generation %}{% if loop.last and m.thinking %}({{ m.thinking }}){% endif %}{{ m.content }}{% endgeneration %}"
    "{{ '<|im_end|>\\n' }}{% else %}{{ m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

TEST(Labels, GenerationDecidesWhatIsLearned) {
  const auto text = [](const std::string& first, const std::string& last) {
    return "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n" + first +
           "<|im_end|>\n<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n" + last + "<|im_end|>\n";
  };
  Example example = chat({turn("user", "q"), turn("assistant", "a"), turn("user", "r"), turn("assistant", "b")});
  example.messages[1]["reasoning"] = "dropped";
  example.messages[3]["reasoning_content"] = "why";

  EXPECT_EQ(Labelling(kGenerating).marked(example), text("[a]", "[(why)b]"));
  EXPECT_EQ(Labelling(kGenerating, {.train_on = TrainOn::completion}).marked(example), text("a", "[(why)b]"));
  Example kept_out = example;
  kept_out.not_learned = {3};
  EXPECT_EQ(Labelling(kGenerating).marked(kept_out), text("[a]", "(why)b"));
  Example prompted = example;
  prompted.prompt_messages = 2;
  EXPECT_EQ(Labelling(kGenerating).marked(prompted), text("a", "[(why)b]"));
}

TEST(Labels, GenerationThatForgetsATurnIsRefusedWhereTurnsAreChosen) {
  const char* const forgetting =
      "{% for m in messages %}{% if m.role == 'assistant' and (loop.last or not messages[-1].role == 'assistant') %}"
      "{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}";
  Example example = chat({turn("user", "q"), turn("assistant", "a"), turn("user", "r"), turn("assistant", "b")});
  example.not_learned = {3};

  EXPECT_EQ(Labelling(forgetting).encoder.encode(chat({turn("user", "q"), turn("assistant", "a")})).outcome,
            Outcome::kept);
  EXPECT_THAT(pst::fixture::error_of(Fault::data, [&] { Labelling(forgetting).encoder.encode(example); }),
              HasSubstr("cannot be told apart"));
}

TEST(Labels, TheEncoderShowsWhatItMade) {
  const Labelling labelling;
  Encoder encoder(labelling.tokenizer, labelling.format, labelling.settings, KeepText::yes);

  const auto result = encoder.encode(kTwoTurns);

  ASSERT_TRUE(result.shown);
  EXPECT_EQ(result.shown->text, labelling.format.render(kTwoTurns.messages, nullptr, false));
  EXPECT_EQ(result.shown->labelled, result.document.labelled);
  EXPECT_EQ(result.shown->pieces.size(), result.document.ids.size());
  EXPECT_FALSE(labelling.encoder.encode(kTwoTurns).shown);
}

TEST(Labels, ToolCallsAreLearnedThroughTheLastSpecialToken) {
  const char* const calling =
      "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] }}{% if m.tool_calls %}"
      "{{ '<|im_start|>call ' + m.tool_calls[0].name }}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}"
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
  Json call = turn("assistant", "");
  call["tool_calls"] = {{{"name", "f"}}};

  EXPECT_EQ(Labelling(calling).marked(chat({turn("user", "q"), call})),
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n[<|im_start|>call f<|im_end|>]\n");
}

TEST(Labels, TextIsLearnedWholeAndEndedOnce) {
  const Labelling labelling;

  EXPECT_EQ(labelling.marked(text("ab")), "a[b<|im_end|>]");
  EXPECT_EQ(labelling.marked(text("ab<|im_end|>")), "a[b<|im_end|>]");
}

TEST(Labels, APairIsAChatWhereThereIsATemplateAndElseATextWithItsContinuation) {
  EXPECT_EQ(Labelling().marked(pair("q", "a")),
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n[a<|im_end|>]\n");
  EXPECT_EQ(Labelling("").marked(pair("q: ", "a")), "q: [a<|im_end|>]");
  EXPECT_EQ(Labelling("", {.train_on = TrainOn::all}).marked(pair("q: ", "a")), "q[: a<|im_end|>]");
}

TEST(Labels, AChatWithoutATemplateIsRefused) {
  try {
    Labelling("").encoder.encode(kTwoTurns);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("no chat template"));
    EXPECT_THAT(error.remedy(), HasSubstr("data.chat_template"));
  }
}

TEST(Labels, TooLongIsCutOrLeftOut) {
  const Example example = chat({turn("user", "a"), turn("assistant", "0123456789")});
  // <|im_start|> user\n a <|im_end|> \n <|im_start|> assistant\n: 1 + 5 + 1 + 1 + 1 + 1 + 10 = 20 tokens
  const auto outcome = [&](int max_length, recipe::TooLong too_long = recipe::TooLong::truncate) {
    return Labelling(fixture::kChatml, {.max_length = max_length, .too_long = too_long})
        .encoder.encode(example)
        .outcome;
  };

  EXPECT_EQ(outcome(32), Outcome::kept);
  EXPECT_EQ(outcome(31), Outcome::truncated);
  EXPECT_EQ(outcome(21), Outcome::truncated);
  EXPECT_EQ(outcome(20), Outcome::skipped_no_label);
  EXPECT_EQ(outcome(2), Outcome::skipped_no_label);
  EXPECT_EQ(outcome(31, recipe::TooLong::skip), Outcome::skipped_too_long);
  EXPECT_EQ(Labelling(fixture::kChatml, {.max_length = 23}).marked(example),
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[012]");
}

TEST(Labels, NothingToLearnIsLeftOut) {
  EXPECT_EQ(Labelling().encoder.encode(chat({turn("user", "a")})).outcome, Outcome::skipped_no_label);
}

TEST(Labels, ALongConversationCostsNoMoreThanWhatIsKept) {
  Example example;
  for (int i = 0; i < 4000; ++i)
    example.messages.push_back(turn(i % 2 == 0 ? "user" : "assistant", "some words of a turn"));
  const auto start = std::chrono::steady_clock::now();

  const auto result = Labelling(fixture::kChatml, {.max_length = 512}).encoder.encode(example);

  EXPECT_EQ(result.outcome, Outcome::truncated);
  EXPECT_EQ(result.document.ids.size(), 512u);
  // Rendering every beginning of it would be 16 million turns.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace pst::data
