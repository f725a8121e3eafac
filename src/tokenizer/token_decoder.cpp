// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_decoder.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/strings.hpp"
#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/read_pattern.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unsupported.hpp"

namespace pst::tokenizer {
namespace {

/// The byte that "<0xNN>" names.
std::optional<char> fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  int value = 0;
  for (const char c : token.substr(3, 2)) {
    const auto at = std::string_view("0123456789abcdef").find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
    if (at == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<int>(at);
  }
  return static_cast<char>(value);
}

std::string replaced(const std::string& text, const Pattern& what, const std::string& with, Effort& effort) {
  Scan scan(what, has_newer_characters(text), effort);
  scan.start(text);
  std::string out;
  std::size_t done = 0;
  effort.write(text.size());
  while (const auto match = scan.next()) {
    effort.write(with.size());
    out += text.substr(done, match->begin - done) + with;
    done = match->end;
  }
  return out + text.substr(done);
}

std::string with_all_replaced(const std::string& text, std::string_view what, std::string_view with) {
  if (what.empty() || text.find(what) == text.npos) return text;
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, done)) {
    out.append(text, done, at - done).append(with);
    done = at + what.size();
  }
  return out.append(text, done);
}

std::string stripped(const std::string& text, std::string_view sign, std::size_t at_start, std::size_t at_end) {
  std::string_view rest = text;
  for (; at_start > 0 && rest.starts_with(sign); --at_start) rest.remove_prefix(sign.size());
  for (; at_end > 0 && rest.ends_with(sign); --at_end) rest.remove_suffix(sign.size());
  return std::string(rest);
}

std::string bytes_of_letters(Spelling token) {
  if (token.added) return std::string(token.token);
  const auto bytes = bytes_spelled_by(token.token);
  return bytes ? *bytes : std::string(token.token);
}

/// Joins neighbouring byte tokens; a run that is no UTF-8 becomes one U+FFFD per byte.
void join_bytes(std::vector<std::string>& texts) {
  std::vector<std::string> out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (is_utf8(bytes)) {
      out.push_back(bytes);
    } else {
      for (std::size_t i = 0; i < bytes.size(); ++i) out.emplace_back("\xef\xbf\xbd");
    }
    bytes.clear();
  };
  for (auto& text : texts) {
    if (const auto byte = fallback_byte(text)) {
      bytes += *byte;
      continue;
    }
    flush();
    out.push_back(std::move(text));
  }
  flush();
  texts = std::move(out);
}

/// What BERT's decoder makes of blanks before signs and endings.
std::string cleaned(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kEdits[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [what, with] : kEdits) text = with_all_replaced(text, what, with);
  return text;
}

std::size_t read_count(const json::Node& node) { return static_cast<std::size_t>(node.whole()); }

}  // namespace

Decoder::Decoder(const json::Object& node) : is_there_(true) { read(node, 0); }

void Decoder::read(const json::Object& node, int depth) {
  const std::string type = node.at("type").text();
  if (type == "Sequence") {
    if (depth > 8) node.node().refuse("is nested too deeply");
    for (const auto& part : node.at("decoders").list()) read(part.object(), depth + 1);
  } else if (type == "ByteLevel") {
    steps_.push_back({Kind::byte_level});
  } else if (type == "Replace") {
    steps_.push_back({Kind::replace, {read_pattern(node.at("pattern"))}, node.at("content").text()});
  } else if (type == "ByteFallback") {
    steps_.push_back({Kind::byte_fallback});
  } else if (type == "Fuse") {
    steps_.push_back({Kind::fuse});
  } else if (type == "Strip") {
    const std::string sign = node.at("content").text();
    if (sign.empty() || char_length(sign[0]) != sign.size()) node.refuse("content", "is not one character");
    steps_.push_back({Kind::strip, {}, sign, read_count(node.at("start")), read_count(node.at("stop"))});
  } else if (type == "Metaspace") {
    const auto scheme = node.text("prepend_scheme");
    Step step{Kind::metaspace, {}, node.at("replacement").text()};
    if (step.text.empty()) node.refuse("replacement", "is empty");
    step.drop_first = scheme ? *scheme != "never" : node.flag("add_prefix_space", true);
    steps_.push_back(step);
  } else if (type == "WordPiece") {
    Step step{Kind::word_piece, {}, node.text("prefix").value_or("##")};
    step.cleans = node.flag("cleanup", true);
    steps_.push_back(step);
  } else if (type == "BPEDecoder") {
    steps_.push_back({Kind::bpe, {}, node.text("suffix").value_or("</w>")});
  } else if (type == "CTC") {
    Step step{Kind::ctc, {}, node.text("pad_token").value_or("<pad>")};
    step.delimiter = node.text("word_delimiter_token").value_or("|");
    step.cleans = node.flag("cleanup", true);
    steps_.push_back(step);
  } else {
    unsupported(node.node(), "decoder '" + type + "'");
  }
  if (steps_.size() > 64) node.node().refuse("has more than 64 steps");
}

void Decoder::apply(const Step& step, std::vector<std::string>& texts, Effort& effort) {
  switch (step.kind) {
    case Kind::byte_level: {
      std::string bytes;
      for (const auto& text : texts) bytes += bytes_of_letters({text});
      texts.assign(1, lossy_utf8(bytes));
      return;
    }
    case Kind::replace:
      for (auto& text : texts) text = replaced(text, step.what[0], step.text, effort);
      return;
    case Kind::byte_fallback: return join_bytes(texts);
    case Kind::fuse: {
      std::string all = join(texts, "");
      texts.assign(1, std::move(all));
      return;
    }
    case Kind::strip:
      for (auto& text : texts) text = stripped(text, step.text, step.at_start, step.at_end);
      return;
    case Kind::metaspace: {
      const Pattern sign = Pattern::literal(step.text);
      for (std::size_t i = 0; i < texts.size(); ++i)
        texts[i] = replaced(texts[i], sign, i == 0 && step.drop_first ? "" : " ", effort);
      return;
    }
    case Kind::word_piece:
      for (std::size_t i = 0; i < texts.size(); ++i) {
        if (i > 0) texts[i] = texts[i].starts_with(step.text) ? texts[i].substr(step.text.size()) : " " + texts[i];
        if (step.cleans) texts[i] = cleaned(std::move(texts[i]));
      }
      return;
    case Kind::bpe:
      for (std::size_t i = 0; i < texts.size(); ++i)
        texts[i] = with_all_replaced(texts[i], step.text, i + 1 == texts.size() ? "" : " ");
      return;
    case Kind::ctc: {
      texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
      for (auto& text : texts) {
        text = with_all_replaced(text, step.text, "");
        if (step.cleans) text = with_all_replaced(cleaned(std::move(text)), step.delimiter, " ");
      }
      return;
    }
  }
}

std::string Decoder::decode(std::span<const Spelling> tokens) const {
  if (steps_.empty() && !is_there_) {
    std::string text;
    for (std::size_t i = 0; i < tokens.size(); ++i) text.append(i == 0 ? "" : " ").append(tokens[i].token);
    return text;
  }
  if (steps_.size() == 1 && steps_[0].kind == Kind::byte_level) {
    std::string bytes;
    for (const Spelling token : tokens) bytes += bytes_of_letters(token);
    return lossy_utf8(bytes);
  }
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  for (const Spelling token : tokens) {
    bytes += token.token.size();
    texts.emplace_back(token.token);
  }
  Effort effort(bytes);
  for (const Step& step : steps_) apply(step, texts, effort);
  return join(texts, "");
}

std::string Decoder::bytes_of(Spelling token) const {
  std::string text(token.token);
  Effort effort(text.size());
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Kind::byte_level: return bytes_of_letters(token);
      case Kind::byte_fallback:
        if (const auto byte = fallback_byte(text)) return std::string(1, *byte);
        break;
      case Kind::replace: text = replaced(text, step.what[0], step.text, effort); break;
      case Kind::metaspace: text = replaced(text, Pattern::literal(step.text), " ", effort); break;
      case Kind::word_piece:
        if (text.starts_with(step.text))
          text.erase(0, step.text.size());
        else
          text.insert(0, " ");
        break;
      case Kind::bpe: text = with_all_replaced(text, step.text, " "); break;
      case Kind::ctc: text = with_all_replaced(with_all_replaced(text, step.text, ""), step.delimiter, " "); break;
      case Kind::fuse: break;
      case Kind::strip: break;  // concerns the whole text's ends
    }
  }
  return text;
}

}  // namespace pst::tokenizer
