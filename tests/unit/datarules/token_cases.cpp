// SPDX-License-Identifier: Apache-2.0
// The model of these: a token for each byte, and the control tokens <|im_start|> (its first token, too) and <|im_end|>.
#include "rule_case.hpp"

namespace pst::datarules::fixture {
namespace {

const char* const kChat =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
/// What is learned ends before the turn's end.
const char* const kWithoutEnd =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>\\n' }}"
    "{% endfor %}";
const char* const kTwoStarts =
    "{{ '<|im_start|>' }}{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
/// No control token begins a text.
const char* const kNoStart =
    "{% for m in messages %}{{ m.role + ': ' + m.content + '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";
/// Ends turns with a control token at which this model does not stop.
const char* const kOtherEnd =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_start|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// With blanks between the words, for tokenizers of words.
const char* const kSpaced =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + ' ' + m.content + ' <|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant ' }}{% endif %}";

const char* const kRefuser = "{{ raise_exception('no system') if messages[0].role == 'system' else '' }}";

RuleCase with(RuleCase one, const std::string& chat_template) {
  one.has_model = true;
  one.chat_template = chat_template;
  if (one.max_length == 1024 && one.rule != "truncated") one.max_length = 100'000;
  return one;
}

std::string tokenizer(const std::string& vocabulary, const std::string& model, const std::string& pre_tokenizer,
                      const std::string& post_processor) {
  const auto special = [](int id, const char* text) {
    return cat(R"({"id": )", id, R"(, "content": ")", text,
               R"(", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})");
  };
  return cat(R"({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [)", special(0, "<unk>"), ", ",
             special(256, "<|im_start|>"), ", ", special(257, "<|im_end|>"),
             R"(], "normalizer": null, "pre_tokenizer": )", pre_tokenizer, R"(, "post_processor": )", post_processor,
             R"(, "decoder": null, "model": {)", model,
             R"(, "vocab": {"<unk>": 0, "<|im_start|>": 256, "<|im_end|>": 257, )", vocabulary, "}}}");
}
const std::string kLongWord = times(400, "x");
/// A token for each word that it knows.
const std::string kWords =
    tokenizer(cat(R"("user": 1, "assistant": 2, "hello": 3, ")", kLongWord, "\": 4"),
              R"("type": "WordLevel", "unk_token": "<unk>")", R"({"type": "WhitespaceSplit"})", "null");
/// The same, and a first token before texts.
const std::string kWithStart =
    tokenizer(R"("user": 1, "assistant": 2, "hello": 3)", R"("type": "WordLevel", "unk_token": "<unk>")",
              R"({"type": "WhitespaceSplit"})",
              R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}},
        {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens":
        {"<|im_start|>": {"id": "<|im_start|>", "ids": [256], "tokens": ["<|im_start|>"]}}})");
/// Letters, and tokens of bytes for the rest.
std::string with_bytes() {
  std::string vocabulary;
  for (char c = 'a'; c <= 'z'; ++c) vocabulary += cat("\"", c, "\": ", 300 + c, ", ");
  for (int byte = 0; byte < 256; ++byte) {
    constexpr const char* kHex = "0123456789ABCDEF";
    vocabulary += cat("\"<0x", kHex[byte / 16], kHex[byte % 16], ">\": ", 1000 + byte, byte < 255 ? ", " : "");
  }
  return tokenizer(vocabulary,
                   R"("type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
                      "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "merges": [])",
                   "null", "null");
}

std::string numbered(int count, const std::string& end) {
  std::string all;
  for (int i = 0; i < count; ++i) all += pair(cat("Question ", i, "?"), cat(times(i % 17, "y"), end));
  return all;
}

}  // namespace

std::vector<RuleCase> token_cases() {
  const std::string hello = chat({"user", "Hello?", "assistant", "Hi."});
  const std::string plain = "Rain falls on the plain of Spain all day and all night long, they say.";
  std::vector<RuleCase> cases = {
      with({.rule = "template-refuses",
            .trips = chat({"system", "x", "user", "Hello?", "assistant", "Hi."}),
            .clean = hello},
           std::string(kRefuser) + kChat),
      with(
          {.rule = "template-loses",
           .trips =
               R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "documents": [{"text": "z"}]})",
           .clean = hello},
          kChat),
      with({.rule = "nothing-learned", .trips = chat({"user", "Hello?"}), .clean = hello}, kChat),
      with({.rule = "nothing-learned-when-cut",
            .trips = pair(times(200, "x"), "y"),
            .clean = pair("x", times(200, "y")),
            .max_length = 100},
           kChat),
      with({.rule = "truncated", .trips = pair("x", times(200, "y")), .clean = hello, .max_length = 100}, kChat),
      with({.rule = "much-truncated", .trips = pair("x", times(200, "y")), .clean = hello, .max_length = 100}, kChat),
      with({.rule = "end-not-learned", .trips = hello, .clean = hello, .clean_template = kChat}, kWithoutEnd),
      with({.rule = "end-is-no-stop", .trips = hello, .clean = hello, .clean_template = kChat}, kOtherEnd),
      with({.rule = "double-bos", .trips = hello, .clean = hello, .clean_template = kChat}, kTwoStarts),
      with({.rule = "many-tokens", .trips = pair(times(60, "\u4e2d"), "x"), .clean = answer(plain)}, kChat),
      with({.rule = "missing-bos", .trips = hello, .clean = hello, .clean_template = kChat, .tokenizer = kWithStart},
           kNoStart),
      with({.rule = "boundary-token", .trips = pair("xh", "ello"), .clean = pair("xx", "ello")}, ""),
      with({.rule = "few-tokens", .trips = answer(kLongWord), .clean = answer("hello hello"), .tokenizer = kWords},
           kSpaced),
      with({.rule = "unknown-token",
            .trips = pair("hello", "goodbye"),
            .clean = pair("hello", "hello"),
            .tokenizer = kWords},
           kSpaced),
      with({.rule = "byte-tokens",
            .trips = pair("hello", times(9, "\u4e2d")),
            .clean = pair(times(40, "hello"), "hello"),
            .tokenizer = with_bytes()},
           kSpaced),
      with({.rule = "same-pair-when-cut",
            .trips = cat(R"({"prompt": "Why?", "chosen": ")", times(60, "x"), R"(y", "rejected": ")", times(60, "x"),
                         "z\"}\n"),
            .clean = R"({"prompt": "Why?", "chosen": "Yes.", "rejected": "No."})",
            .max_length = 30},
           kChat),
      with({.rule = "little-learned", .trips = pair(times(900, "x"), "y"), .clean = answer(plain), .line = ""}, kChat),
      with({.rule = "length-spike",
            .trips = numbered(40, "x") + times(20, pair("x", times(127, "x"))),
            .clean = numbered(40, "x"),
            .line = "41"},
           kChat),
      with({.rule = "odd-tokens",
            .trips = times(120, pair(times(60, "he"), "hello")) + pair(times(60, "\u4e2d"), "x"),
            .clean = times(120, answer(plain)),
            .line = "121"},
           kChat),
  };
  return cases;
}

}  // namespace pst::datarules::fixture
