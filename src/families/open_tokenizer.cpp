// SPDX-License-Identifier: Apache-2.0
#include "families/open_tokenizer.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/tokenizer_classes.hpp"

namespace pst::families {
namespace {

namespace fs = std::filesystem;
using tokenizer::Tokenizer;

/// Nothing where the file's own pipeline does the same.
std::optional<Tokenizer> rebuilt(const fs::path& model_dir, const TokenizerClass& kind) {
  const tokenizer::Rebuilt made = tokenizer::rebuild(model_dir, kind.rebuild);
  if (made.is_same) return std::nullopt;
  return Tokenizer::load_rebuilt(model_dir, made.json, cat("tokenizer.json as ", kind.name, " holds it"));
}

}  // namespace

Tokenizer open_tokenizer(const fs::path& model_dir, TokenizerPipeline pipeline) {
  if (pipeline == TokenizerPipeline::file) return Tokenizer::load(model_dir);
  const TokenizerClass kind = tokenizer_class_of(model_dir);
  if (kind.kind == TokenizerClass::Kind::not_followed)
    throw Error(Fault::usage,
                cat("model.tokenizer is transformers, and what transformers makes of ",
                    (model_dir / "tokenizer.json").string(), " with its class ", kind.name, " is not followed here"),
                "leave model.tokenizer out: file");
  if (kind.kind == TokenizerClass::Kind::rebuilds)
    if (auto tokenizer = rebuilt(model_dir, kind)) return std::move(*tokenizer);
  return Tokenizer::load(model_dir);
}

std::optional<OtherTokenizer> other_tokenizer(const fs::path& model_dir, TokenizerPipeline chosen) {
  const TokenizerClass kind = tokenizer_class_of(model_dir);
  switch (kind.kind) {
    case TokenizerClass::Kind::keeps_file: return std::nullopt;
    case TokenizerClass::Kind::not_followed: return OtherTokenizer{kind.name, std::nullopt};
    case TokenizerClass::Kind::rebuilds: break;
  }
  if (chosen == TokenizerPipeline::transformers) {
    if (!rebuilt(model_dir, kind)) return std::nullopt;
    return OtherTokenizer{kind.name, Tokenizer::load(model_dir)};
  }
  try {
    auto theirs = rebuilt(model_dir, kind);
    if (!theirs) return std::nullopt;
    return OtherTokenizer{kind.name, std::move(theirs)};
  } catch (const Error& error) {  // two tokens of one id, for instance: nothing that a run by the file has to fear
    if (error.fault() != Fault::data && error.fault() != Fault::usage) throw;
    return OtherTokenizer{kind.name, std::nullopt};
  }
}

}  // namespace pst::families
