// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.hpp"

#include <algorithm>
#include <map>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "tokenizer/added_tokens.hpp"
#include "tokenizer/folder_settings.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/older_files.hpp"
#include "tokenizer/post_processor.hpp"
#include "tokenizer/pre_tokenizer.hpp"
#include "tokenizer/token_decoder.hpp"
#include "tokenizer/token_id.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unsupported.hpp"
#include "tokenizer/word_model.hpp"

namespace pst::tokenizer {
namespace {

constexpr std::uint64_t kLargestFile = 128ull << 20;  // four times Gemma's, the largest in use
constexpr std::size_t kLongestText = std::size_t{1} << 30;
constexpr std::size_t kLongestRewritten = 0xffffffff;  // places in it are 32 bits
constexpr std::size_t kLongestAddedToken = 1024;
constexpr std::size_t kAddedTokenBytes = 4 << 20;
// Of memory for the file's values while it is read: three times Gemma's, whose merges are half a million lists.
constexpr json::Limits kLimits{.bytes = 512u << 20};

constexpr const char* kFetchAgain = "fetch the file again; it may be truncated";

/// Flags of added tokens in tokenizer_config.json, by content.
using Flags = std::map<std::string, TokenizerText::Added>;

/// Where both files say them, those of tokenizer_config.json count: so does transformers 5.23 for every class.
void take_flags(const Flags& flags, AddedToken& token) {
  const auto found = flags.find(token.content);
  if (found == flags.end() || found->second.id != token.id) return;
  const TokenizerText::Added& other = found->second;
  token.special = other.special;
  token.single_word = other.single_word;
  token.lstrip = other.lstrip;
  token.rstrip = other.rstrip;
  token.normalized = other.normalized;
}

std::string text_of(const AddedToken& token) {
  return cat(token.id, token.special, token.single_word, token.lstrip, token.rstrip, token.normalized);
}

std::vector<AddedToken> read_added_tokens(const std::vector<json::Node>& nodes) {
  std::vector<AddedToken> tokens;
  std::size_t bytes = 0;
  for (const auto& node : nodes) {
    const json::Object entry = node.object();
    AddedToken token;
    token.id = entry.at("id").small_whole(0, kLargestId);
    token.content = entry.at("content").text();
    token.special = entry.flag("special");
    token.single_word = entry.flag("single_word");
    token.lstrip = entry.flag("lstrip");
    token.rstrip = entry.flag("rstrip");
    token.normalized = entry.flag("normalized", !token.special);
    if (token.content.size() > kLongestAddedToken) node.refuse(cat("has ", token.content.size(), " bytes of content"));
    bytes += token.content.size();
    if (bytes > kAddedTokenBytes) node.refuse("is beyond 4 MiB of content");
    tokens.push_back(std::move(token));
  }
  return tokens;
}

SpecialNames read_special_names(const fs::path& file) {
  SpecialNames names;
  if (!fs::exists(file)) return names;
  const json::Document document(file, 64ull << 20, kFetchAgain);
  const json::Object top = document.object();
  const auto name = [&](const char* key) -> std::optional<std::string> {
    const auto node = top.get(key);
    if (!node) return std::nullopt;
    return node->is_object() ? node->object().at("content").text() : node->text();
  };
  names.bos = name("bos_token");
  names.eos = name("eos_token");
  names.pad = name("pad_token");
  names.unk = name("unk_token");
  return names;
}

Decoder read_decoder(const json::Object& top) {
  const auto node = top.get("decoder");
  return node ? Decoder(node->object()) : Decoder();
}

}  // namespace

struct Tokenizer::Impl {
  static std::unique_ptr<Impl> read(const json::Document& document, const Flags& flags = {}) {
    auto impl = std::make_unique<Impl>(document.object(), pst::digest(document.text()), flags);
    impl->name = document.name();
    return impl;
  }
  Impl(const json::Object& top, std::string digest_of_content, const Flags& flags);
  void place_added_tokens(const std::vector<json::Node>& nodes, const Flags& flags);

  /// Calls token(id, where in `text`) for added tokens and on_words(their text, the tokens of its words) between them.
  template <class OnToken, class OnWords>
  void walk(std::string_view text, Origins origins, OnToken token, OnWords on_words) const;
  template <class OnToken, class OnWords>
  void walk_between(Aligned text, Effort& effort, OnToken token, OnWords on_words) const;

  /// A token as the decoder sees it. @throws Error(data) on an id without a token
  Spelling spelling_of(std::int32_t id) const;
  std::optional<Spelling> find_spelling(std::int32_t id) const;

  std::string name, digest;
  SpecialNames special_names;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<WordModel> model;
  Decoder decoder;
  PostProcessor post_processor;
  AddedTokenFinder raw, normalized;
  std::vector<std::optional<AddedToken>> added;  // by id
  IdByText added_ids;
};

Tokenizer::Impl::Impl(const json::Object& top, std::string digest_of_content, const Flags& flags)
    : digest(std::move(digest_of_content)),
      normalizer(top.get("normalizer")),
      pre_tokenizer(top.get("pre_tokenizer")),
      model(read_word_model(top.inner("model"), pre_tokenizer.byte_level() ? Symbols::bytes : Symbols::characters)),
      decoder(read_decoder(top)) {
  if (const auto version = top.get("version"); version && version->text() != "1.0")
    unsupported(*version, "version " + pst::quoted(version->text()));
  if (const auto post = top.get("post_processor")) post_processor = PostProcessor(post->object());
  if (const auto nodes = top.get("added_tokens")) place_added_tokens(nodes->list(), flags);
}

void Tokenizer::Impl::place_added_tokens(const std::vector<json::Node>& nodes, const Flags& flags) {
  const Vocabulary& vocabulary = model->vocabulary();
  auto tokens = read_added_tokens(nodes);
  std::string changed;
  for (AddedToken& token : tokens) {
    const std::string before = text_of(token);
    take_flags(flags, token);
    if (text_of(token) != before) changed += text_of(token) + "\n";
  }
  if (!changed.empty()) digest = pst::digest(digest + changed);
  std::size_t bytes = 0;
  for (const auto& token : tokens) bytes += token.content.size();
  Effort effort(bytes);
  std::size_t spelled = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const AddedToken& token = tokens[i];
    if (token.content.empty()) continue;
    const json::Node& entry = nodes[i];
    if (const auto in_model = vocabulary.id_of(token.content); in_model && *in_model != token.id)
      entry.refuse(cat("is ", pst::quoted(token.content), " and has the id ", token.id, ", but ", *in_model,
                       " in the vocabulary"));
    const auto id = static_cast<std::size_t>(token.id);
    if (id > 2 * (vocabulary.tokens().size() + tokens.size()) + 100'000)
      entry.refuse(cat("has the id ", id, ", far beyond all others"));
    if (id < vocabulary.tokens().size() && vocabulary.tokens()[id] && *vocabulary.tokens()[id] != token.content)
      entry.refuse(cat("is ", pst::quoted(token.content), " and has the id ", id, ", which is ",
                       pst::quoted(*vocabulary.tokens()[id]), " in the vocabulary"));
    if (id >= added.size()) added.resize(id + 1);
    if (added[id] || !added_ids.emplace(token.content, token.id).second)
      entry.refuse(cat("repeats ", pst::quoted(token.content)));
    added[id] = token;
    added[id]->spelling = token.normalized ? normalizer.apply(token.content, effort) : token.content;
    spelled += added[id]->spelling.size();
    if (spelled > kAddedTokenBytes) entry.refuse("is beyond 4 MiB of normalised content");
    (token.normalized ? normalized : raw).add(*added[id]);
  }
}

template <class OnToken, class OnWords>
void Tokenizer::Impl::walk(std::string_view text, Origins origins, OnToken token, OnWords on_words) const {
  if (text.size() > kLongestText)
    throw Error(Fault::data, cat("a text of ", human_bytes(text.size()), " is too long to tokenize at once"),
                "split it");
  if (const auto bad = find_malformed(text); bad != std::string_view::npos)
    throw Error(Fault::data, cat("byte ", bad, " of ", pst::quoted(text, 60), " is not UTF-8"),
                "convert the text to UTF-8");
  Effort effort(text.size());
  if (raw.empty()) {
    if (!text.empty()) walk_between(Aligned(text, 0, origins), effort, token, on_words);
    return;
  }
  raw.cut(text, effort, [&](Range range, const AddedToken* found) {
    if (found)
      token(found->id, range);
    else
      walk_between(Aligned(text.substr(range.begin, range.size()), range.begin, origins), effort, token, on_words);
  });
}

template <class OnToken, class OnWords>
void Tokenizer::Impl::walk_between(Aligned text, Effort& effort, OnToken token, OnWords on_words) const {
  text = normalizer.apply(std::move(text), effort);
  const auto run = [&](Aligned part) {
    Words words{std::move(part), {}};
    words.ranges.push_back({0, words.text.text().size()});
    words.newer = !pre_tokenizer.empty() && has_newer_characters(words.text.text());
    pre_tokenizer.run(words, effort);
    if (words.text.text().size() > kLongestRewritten)
      throw Error(Fault::data, "tokenizer.json makes more than 4 GiB of a text", "split the text");
    thread_local std::vector<Placed> tokens;
    tokens.clear();
    model->encode_all(words.text.text(), words.ranges, tokens);
    on_words(words.text, std::span<const Placed>(tokens));
  };
  if (text.text().empty()) return;
  if (normalized.empty()) return run(std::move(text));
  normalized.cut(text.text(), effort, [&](Range range, const AddedToken* found) {
    if (found)
      token(found->id, text.original(range));
    else
      run(text.part(range));
  });
}

std::optional<Spelling> Tokenizer::Impl::find_spelling(std::int32_t id) const {
  const auto at = static_cast<std::size_t>(id);
  const Vocabulary& vocabulary = model->vocabulary();
  if (id >= 0 && at < added.size() && added[at]) return Spelling{added[at]->spelling, true};
  if (id >= 0 && at < vocabulary.tokens().size() && vocabulary.tokens()[at])
    return Spelling{*vocabulary.tokens()[at], false};
  return std::nullopt;
}

Spelling Tokenizer::Impl::spelling_of(std::int32_t id) const {
  if (auto spelling = find_spelling(id)) return std::move(*spelling);
  throw Error(Fault::data, cat("token id ", id, " is not in the vocabulary of ", name));
}

// ---- the public face

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const fs::path& model_dir) {
  const fs::path file = model_dir / "tokenizer.json";
  if (fs::exists(file)) {
    Flags flags;
    for (auto& token : configured_tokens(model_dir)) flags.emplace(token.content, token);
    Tokenizer tokenizer(Impl::read(json::Document(file, kLargestFile, kFetchAgain, kLimits), flags));
    tokenizer.impl_->special_names = read_special_names(model_dir / "tokenizer_config.json");
    return tokenizer;
  }
  if (const auto converted = convert_older_files(model_dir))
    return load_rebuilt(model_dir, converted->json, converted->from.string());
  throw Error(Fault::data,
              cat(file.string(),
                  " does not exist, nor does tokenizer.model, tekken.json, *.tiktoken, vocab.json with "
                  "merges.txt, or vocab.txt"),
              "point model.path at a folder that has a tokenizer");
}

Tokenizer Tokenizer::load_rebuilt(const fs::path& model_dir, std::string_view tokenizer_json, const std::string& name) {
  Tokenizer tokenizer = parse(tokenizer_json, name);
  tokenizer.impl_->special_names = read_special_names(model_dir / "tokenizer_config.json");
  return tokenizer;
}

Tokenizer Tokenizer::parse(std::string_view tokenizer_json, const std::string& name) {
  return Tokenizer(Impl::read(json::Document(std::string(tokenizer_json), name, kFetchAgain, kLimits)));
}

std::vector<Piece> Tokenizer::encode_pieces(std::string_view text, Around around) const {
  std::vector<Piece> pieces;
  pieces.reserve(text.size() / 3 + 8);
  const auto put = [&](const std::vector<std::int32_t>& ids, std::size_t at) {
    if (around == Around::special_tokens)
      for (const auto id : ids) pieces.push_back({id, at, at});
  };
  put(impl_->post_processor.before(), 0);
  const auto on_token = [&](std::int32_t id, Range range) { pieces.push_back({id, range.begin, range.end}); };
  const auto on_words = [&](const Aligned& in, std::span<const Placed> tokens) {
    std::size_t hint = 0;
    for (const Placed& token : tokens) {
      const Range range = in.original({token.begin, token.end}, hint);
      pieces.push_back({token.id, range.begin, range.end});
    }
  };
  impl_->walk(text, Origins::kept, on_token, on_words);
  put(impl_->post_processor.after(), text.size());
  return pieces;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  ids.reserve(text.size() / 3 + 8);
  const auto on_token = [&](std::int32_t id, Range) { ids.push_back(id); };
  const auto on_words = [&](const Aligned&, std::span<const Placed> tokens) {
    for (const Placed& token : tokens) ids.push_back(token.id);
  };
  impl_->walk(text, impl_->pre_tokenizer.needs_origins() ? Origins::kept : Origins::dropped, on_token, on_words);
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool keep_special) const {
  std::vector<Spelling> tokens;
  tokens.reserve(ids.size());
  for (const auto id : ids) {
    const Spelling spelling = impl_->spelling_of(id);
    if (keep_special || !is_special(id)) tokens.push_back(spelling);
  }
  return impl_->decoder.decode(tokens);
}

std::string Tokenizer::token_of(std::int32_t id) const { return std::string(impl_->spelling_of(id).token); }

std::string Tokenizer::bytes_of(std::int32_t id) const { return impl_->decoder.bytes_of(impl_->spelling_of(id)); }

std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const {
  if (const auto found = impl_->added_ids.find(token); found != impl_->added_ids.end()) return found->second;
  return impl_->model->vocabulary().id_of(token);
}

std::optional<std::string> Tokenizer::special_in(std::string_view text) const {
  std::optional<std::string> first;
  const auto look = [&](Range, const AddedToken* token) {
    if (token && token->special && !first) first = token->content;
  };
  Effort effort(text.size());
  impl_->raw.cut(text, effort, look);
  if (!first && !impl_->normalized.empty()) impl_->normalized.cut(text, effort, look);
  return first;
}

bool Tokenizer::has(std::int32_t id) const { return impl_->find_spelling(id).has_value(); }
bool Tokenizer::is_special(std::int32_t id) const {
  const auto at = static_cast<std::size_t>(id);
  return id >= 0 && at < impl_->added.size() && impl_->added[at] && impl_->added[at]->special;
}

std::int32_t Tokenizer::vocabulary_size() const {
  return static_cast<std::int32_t>(std::max(impl_->model->vocabulary().tokens().size(), impl_->added.size()));
}

const std::string& Tokenizer::digest() const { return impl_->digest; }
const SpecialNames& Tokenizer::special_names() const { return impl_->special_names; }

}  // namespace pst::tokenizer
