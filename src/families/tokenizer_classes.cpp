// SPDX-License-Identifier: Apache-2.0
#include "families/tokenizer_classes.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/object.hpp"
#include "tokenizer/split_patterns.hpp"
#include "tokenizer/tokenizer_text.hpp"

namespace pst::families {
namespace {

namespace fs = std::filesystem;
using tokenizer::Rebuild;

constexpr std::string_view kKeepsFile = "TokenizersBackend";
constexpr std::string_view kSign = "\xe2\x96\x81";

/// What transformers lists for a model_type.
struct Listed {
  std::string_view model_type, name;
  bool counts = false;  ///< before what the folder says: published folders say it wrongly
};
constexpr std::array kListed = {
    Listed{"cohere", "CohereTokenizer"},
    Listed{"cohere2", "CohereTokenizer"},
    Listed{"ernie4_5", kKeepsFile, true},
    Listed{"gemma", "GemmaTokenizer"},
    Listed{"gemma2", "GemmaTokenizer"},
    Listed{"gemma3", "GemmaTokenizer"},
    Listed{"gemma3_text", "GemmaTokenizer"},
    Listed{"glm", kKeepsFile},
    Listed{"glm4", kKeepsFile},
    Listed{"glm4_moe", kKeepsFile},
    Listed{"gpt2", "GPT2Tokenizer"},
    Listed{"gpt_neox", "GPTNeoXTokenizer"},
    Listed{"granite", kKeepsFile},
    Listed{"granitemoe", kKeepsFile},
    Listed{"granitemoehybrid", kKeepsFile},
    Listed{"internlm3", kKeepsFile, true},
    Listed{"ministral", kKeepsFile},
    Listed{"ministral3", kKeepsFile},
    Listed{"mistral", kKeepsFile},
    Listed{"mistral3", kKeepsFile},
    Listed{"mixtral", kKeepsFile},
    Listed{"nemotron", kKeepsFile, true},
    Listed{"olmo2", kKeepsFile},
    Listed{"olmo3", kKeepsFile},
    Listed{"olmoe", "GPTNeoXTokenizer"},
    Listed{"opt", "GPT2Tokenizer"},
    Listed{"phi", "GPT2Tokenizer"},
    Listed{"phi3", kKeepsFile, true},
    Listed{"qwen2", "Qwen2Tokenizer", true},
    Listed{"qwen2_moe", "Qwen2Tokenizer"},
    Listed{"qwen3", "Qwen2Tokenizer"},
    Listed{"qwen3_5", "Qwen3_5Tokenizer", true},
    Listed{"qwen3_5_moe", "Qwen3_5Tokenizer", true},
    Listed{"qwen3_5_moe_text", "Qwen3_5Tokenizer", true},
    Listed{"qwen3_5_text", "Qwen3_5Tokenizer"},
    Listed{"qwen3_moe", "Qwen2Tokenizer"},
    Listed{"qwen3_next", "Qwen2Tokenizer"},
    Listed{"stablelm", kKeepsFile},
    Listed{"starcoder2", "GPT2Tokenizer"},
};

/// Classes that do something of their own too. Any other name means that the file is kept.
constexpr std::array<std::string_view, 90> kNotFollowed = {
    "AlbertTokenizer",
    "BartTokenizer",
    "BarthezTokenizer",
    "BartphoTokenizer",
    "BertGenerationTokenizer",
    "BertJapaneseTokenizer",
    "BertTokenizer",
    "BertTokenizerLegacy",
    "BertweetTokenizer",
    "BigBirdTokenizer",
    "BioGptTokenizer",
    "BlenderbotSmallTokenizer",
    "BlenderbotTokenizer",
    "ByT5Tokenizer",
    "CLIPTokenizer",
    "CTRLTokenizer",
    "CamembertTokenizer",
    "CanineTokenizer",
    "ClvpTokenizer",
    "CodeLlamaTokenizer",
    "CpmAntTokenizer",
    "CpmTokenizer",
    "DPRContextEncoderTokenizer",
    "DPRQuestionEncoderTokenizer",
    "DPRReaderTokenizer",
    "DebertaTokenizer",
    "DebertaV2Tokenizer",
    "DiaTokenizer",
    "DistilBertTokenizer",
    "EsmTokenizer",
    "EsmcTokenizer",
    "FSMTTokenizer",
    "FastSpeech2ConformerTokenizer",
    "FlaubertTokenizer",
    "FunnelTokenizer",
    "GPTNeoXJapaneseTokenizer",
    "GPTSw3Tokenizer",
    "HerbertTokenizer",
    "LEDTokenizer",
    "LasrTokenizer",
    "LayoutLMv2Tokenizer",
    "LayoutLMv3Tokenizer",
    "LayoutXLMTokenizer",
    "LukeTokenizer",
    "LxmertTokenizer",
    "M2M100Tokenizer",
    "MBart50Tokenizer",
    "MBartTokenizer",
    "MLukeTokenizer",
    "MPNetTokenizer",
    "MarianTokenizer",
    "MarkupLMTokenizer",
    "MgpstrTokenizer",
    "MobileBertTokenizer",
    "MvpTokenizer",
    "MyT5Tokenizer",
    "NllbTokenizer",
    "NougatTokenizer",
    "OpenAIGPTTokenizer",
    "PLBartTokenizer",
    "PegasusTokenizer",
    "PerceiverTokenizer",
    "PhobertTokenizer",
    "Pop2PianoTokenizer",
    "ProphetNetTokenizer",
    "RagTokenizer",
    "ReformerTokenizer",
    "RemBertTokenizer",
    "RoCBertTokenizer",
    "RoFormerTokenizer",
    "RobertaTokenizer",
    "SeamlessM4TTokenizer",
    "Siglip2Tokenizer",
    "SiglipTokenizer",
    "Speech2TextTokenizer",
    "SpeechT5Tokenizer",
    "SplinterTokenizer",
    "T5Tokenizer",
    "TapasTokenizer",
    "Tipsv2Tokenizer",
    "UdopTokenizer",
    "VideoPrismTokenizer",
    "VitsTokenizer",
    "Wav2Vec2CTCTokenizer",
    "Wav2Vec2PhonemeCTCTokenizer",
    "WhisperTokenizer",
    "XGLMTokenizer",
    "XLMRobertaTokenizer",
    "XLMTokenizer",
    "XLNetTokenizer",
};

/// What tokenizer_config.json gives a class beside tokens.
struct Settings {
  bool add_prefix_space = false, legacy = false;
  std::optional<bool> said_prefix_space;
  std::optional<std::string> unk;
};

std::string_view word(bool value) { return value ? "true" : "false"; }

std::string byte_level(bool add_prefix_space, bool use_regex) {
  return cat(R"({"type": "ByteLevel", "add_prefix_space": )", word(add_prefix_space),
             R"(, "trim_offsets": true, "use_regex": )", word(use_regex), "}");
}

const std::string kByteLevelDecoder = byte_level(true, true);
constexpr const char* kByteModel = R"({"fuse_unk": false, "byte_fallback": false})";
constexpr const char* kEndOfText = "<|endoftext|>";

std::string words_by(std::string_view pattern, bool add_prefix_space) {
  return cat(R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": )",
             tokenizer::json_quoted(pattern), R"(}, "behavior": "Isolated", "invert": false}, )",
             byte_level(add_prefix_space, false), "]}");
}

/// Back from the sign to blanks, and from <0x41> to bytes.
std::string signs_back(bool strips) {
  return cat(R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": ")", kSign,
             R"("}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"})",
             strips ? R"(, {"type": "Strip", "content": " ", "start": 1, "stop": 0})" : "", "]}");
}

Rebuild cohere(const Settings& settings) {
  return {
      .normalizer = R"({"type": "NFC"})",
      .pre_tokenizer = cat(R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, )",
                           byte_level(settings.add_prefix_space, true), "]}"),
      .decoder = kByteLevelDecoder,
      .model = kByteModel,
      .names = {{"bos_token", "<BOS_TOKEN>"},
                {"eos_token", "<|END_OF_TURN_TOKEN|>"},
                {"unk_token", "<UNK>"},
                {"sep_token", "<SEP>"},
                {"pad_token", "<PAD>"},
                {"cls_token", "<CLS>"},
                {"mask_token", "<MASK_TOKEN>"}}};
}

Rebuild gemma(const Settings& settings) {
  return {.normalizer = cat(R"({"type": "Replace", "pattern": {"String": " "}, "content": ")", kSign, "\"}"),
          .pre_tokenizer = R"({"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",)"
                           R"( "invert": false})",
          .decoder = signs_back(false),
          .model = cat(R"({"fuse_unk": true, "byte_fallback": true, "unk_token": )",
                       tokenizer::json_quoted(settings.unk.value_or("<unk>")), "}"),
          .names = {{"bos_token", "<bos>"},
                    {"eos_token", "<eos>"},
                    {"unk_token", "<unk>"},
                    {"pad_token", "<pad>"},
                    {"mask_token", "<mask>"}}};
}

Rebuild gpt2(const Settings& settings) {
  return {.normalizer = "null",
          .pre_tokenizer = byte_level(settings.add_prefix_space, true),
          .decoder = kByteLevelDecoder,
          .model = kByteModel,
          .names = {{"bos_token", kEndOfText}, {"eos_token", kEndOfText}, {"unk_token", kEndOfText}}};
}

Rebuild gpt_neox(const Settings& settings) {
  Rebuild parts = gpt2(settings);
  parts.normalizer = R"({"type": "NFC"})";
  parts.around_text = false;
  parts.names.emplace_back("pad_token", "<|padding|>");
  return parts;
}

Rebuild llama(const Settings& settings) {
  const bool prefix = settings.said_prefix_space.value_or(true);
  const std::string_view scheme = !prefix ? "never" : settings.legacy ? "always" : "first";
  return {.normalizer = "null",
          .pre_tokenizer = cat(R"({"type": "Metaspace", "replacement": ")", kSign, R"(", "prepend_scheme": ")", scheme,
                               R"(", "split": false})"),
          .decoder = signs_back(prefix),
          .model = R"({"fuse_unk": true, "byte_fallback": true})",
          .names = {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}}};
}

Rebuild qwen(std::string_view pattern, const Settings& settings) {
  return {.normalizer = R"({"type": "NFC"})",
          .pre_tokenizer = words_by(pattern, settings.add_prefix_space),
          .decoder = kByteLevelDecoder,
          .model = kByteModel,
          .names = {{"eos_token", kEndOfText}, {"unk_token", kEndOfText}, {"pad_token", kEndOfText}}};
}
Rebuild qwen2(const Settings& settings) { return qwen(tokenizer::split_patterns::kOneDigit, settings); }
Rebuild qwen3_5(const Settings& settings) { return qwen(tokenizer::split_patterns::kMarksInWords, settings); }

struct Followed {
  std::string_view name;
  Rebuild (*make)(const Settings&);
};
constexpr std::array kFollowed = {
    Followed{"CodeGenTokenizer", gpt2},     Followed{"CohereTokenizer", cohere},   Followed{"GPT2Tokenizer", gpt2},
    Followed{"GPTNeoXTokenizer", gpt_neox}, Followed{"GemmaTokenizer", gemma},     Followed{"LlamaTokenizer", llama},
    Followed{"Qwen2Tokenizer", qwen2},      Followed{"Qwen3_5Tokenizer", qwen3_5},
};

/// What both configurations say that decides.
struct Said {
  std::string model_type, in_config, in_tokenizer_config;  // tokenizer_class, without "Fast"
  bool own_code = false;
  Settings settings;
};

std::string without_fast(std::string name) {
  if (name.ends_with("Fast") && name != "PreTrainedTokenizerFast") name.resize(name.size() - 4);
  return name;
}

Said read(const fs::path& dir) {
  constexpr std::uint64_t kLargest = 64ull << 20;
  Said said;
  std::error_code ignored;
  if (fs::exists(dir / "config.json", ignored)) {
    const json::Document document(dir / "config.json", kLargest);
    const json::Object top = document.object();
    said.model_type = top.text("model_type").value_or("");
    said.in_config = without_fast(top.text("tokenizer_class").value_or(""));
  }
  if (!fs::exists(dir / "tokenizer_config.json", ignored)) return said;
  const json::Document document(dir / "tokenizer_config.json", kLargest);
  const json::Object top = document.object();
  said.in_tokenizer_config = without_fast(top.text("tokenizer_class").value_or(""));
  said.own_code = top.has("auto_map");
  if (const auto flag = top.get("add_prefix_space")) said.settings.said_prefix_space = flag->flag();
  said.settings.add_prefix_space = said.settings.said_prefix_space.value_or(false);
  said.settings.legacy = top.flag("legacy");
  if (const auto unk = top.get("unk_token"))
    said.settings.unk = unk->is_object() ? unk->object().at("content").text() : unk->text();
  return said;
}

bool is_byte_level(const fs::path& dir) {
  return read_file(dir / "tokenizer.json", 128ull << 20).find("\"ByteLevel\"") != std::string::npos;
}

/// The name that transformers ends at; kKeepsFile and names that it does not know keep the file.
std::string chosen(const fs::path& dir, const Said& said) {
  const auto row = std::find_if(kListed.begin(), kListed.end(),
                                [&](const Listed& one) { return one.model_type == said.model_type; });
  const Listed* const listed = row == kListed.end() ? nullptr : &*row;
  const std::string& named = said.in_tokenizer_config.empty() ? said.in_config : said.in_tokenizer_config;
  if (!said.own_code && !named.empty()) {
    // Folders after the second generation name this class and hold a byte-level file.
    if (named == "LlamaTokenizer" && !(listed && listed->counts) && is_byte_level(dir)) return std::string(kKeepsFile);
    if (listed && listed->name != named) {
      if (listed->name == kKeepsFile) return std::string(kKeepsFile);
      return listed->counts ? std::string(listed->name) : named;
    }
  }
  if (!named.empty()) return named;
  return std::string(listed ? listed->name : kKeepsFile);
}

}  // namespace

TokenizerClass tokenizer_class_of(const fs::path& model_dir) {
  std::error_code ignored;
  if (!fs::exists(model_dir / "tokenizer.json", ignored)) return {};
  const Said said = read(model_dir);
  const std::string name = chosen(model_dir, said);
  for (const Followed& row : kFollowed)
    if (row.name == name) return {TokenizerClass::Kind::rebuilds, name, row.make(said.settings)};
  if (std::find(kNotFollowed.begin(), kNotFollowed.end(), name) != kNotFollowed.end())
    return {TokenizerClass::Kind::not_followed, name, {}};
  return {};
}

}  // namespace pst::families
