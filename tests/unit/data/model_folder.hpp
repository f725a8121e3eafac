// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "data/encoder.hpp"
#include "support/temporary_directory.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::data::fixture {

inline const char* const kChatml =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// The printable character that stands for a byte in byte-level vocabularies, as UTF-8. @see GPT-2, encoder.py
inline std::string byte_letter(int byte) {
  const auto is_printable = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
  int code = byte;
  if (!is_printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += is_printable(b) ? 0 : 1;
  }
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

constexpr std::int32_t kImStart = 256, kImEnd = 257;

/// One token a byte, then "he" + "llo" as a word of more, then the special tokens of ChatML.
inline std::string tokenizer_json() {
  nlohmann::ordered_json vocab;
  for (int byte = 0; byte < 256; ++byte) vocab[byte_letter(byte)] = byte;
  const auto special = [](std::int32_t id, const char* text) {
    return nlohmann::ordered_json{{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
                                  {"rstrip", false}, {"normalized", false}, {"special", true}};
  };
  vocab["he"] = 258;
  vocab["ll"] = 259;
  nlohmann::ordered_json json = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", {special(kImStart, "<|im_start|>"), special(kImEnd, "<|im_end|>")}},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"vocab", vocab},
        {"merges", {"h e", "l l"}}}}};
  return json.dump();
}

/// A model folder as far as data preparation looks at it. The template is ChatML when none is given; "" means none.
class ModelFolder {
 public:
  explicit ModelFolder(const std::string& chat_template = kChatml) {
    write_durably(folder_ / "tokenizer.json", tokenizer_json());
    write_durably(folder_ / "tokenizer_config.json",
                  R"({"bos_token": "<|im_start|>", "eos_token": {"content": "<|im_end|>"}})");
    if (!chat_template.empty()) write_durably(folder_ / "chat_template.jinja", chat_template);
  }
  const fs::path& path() const { return folder_.path(); }

 private:
  pst::fixture::TemporaryDirectory folder_;
};

/// The document's text with what is learned in [brackets]: "<|im_start|>user\nhi<|im_end|>\n ... [yes<|im_end|>]\n".
inline std::string marked(const tokenizer::Tokenizer& tokenizer, std::span<const std::int32_t> ids,
                          std::span<const std::uint8_t> labelled) {
  std::string text;
  bool inside = false;
  for (std::size_t i = 0; i <= ids.size(); ++i) {
    const bool learned = i < ids.size() && labelled[i] != 0;
    if (learned != inside) text += learned ? "[" : "]";
    inside = learned;
    if (i < ids.size()) text += tokenizer.bytes_of(ids[i]);
  }
  return text;
}

inline Json turn(const char* role, const char* content) { return {{"role", role}, {"content", content}}; }

}  // namespace pst::data::fixture
