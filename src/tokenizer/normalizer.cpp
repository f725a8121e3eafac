// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/normalizer.hpp"

#include <algorithm>
#include <optional>

#include "core/error.hpp"
#include "tokenizer/character_steps.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/normalizer_step.hpp"
#include "tokenizer/precompiled.hpp"
#include "tokenizer/read_pattern.hpp"
#include "tokenizer/text_pattern.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unicode_form.hpp"
#include "tokenizer/unsupported.hpp"

namespace pst::tokenizer {
namespace {

struct Prepend final : Normalizer::Step {
  explicit Prepend(std::string text) : prefix_(std::move(text)) {}
  Aligned apply(Aligned in, Effort& effort) const override {
    if (in.text().empty()) return in;
    const auto start = in.original({0, 0});
    effort.write(prefix_.size() + in.text().size());
    Aligned out = in.emptied();
    out.reserve(prefix_.size() + in.text().size());
    out.append(prefix_, start);
    out.append(in, {0, in.text().size()});
    return out;
  }
  std::string prefix_;
};

struct Replace final : Normalizer::Step {
  Replace(Pattern what, std::string with) : what_(std::move(what)), with_(std::move(with)) {}
  Aligned apply(Aligned in, Effort& effort) const override {
    if (what_.literal_byte()) return replace_byte(*what_.literal_byte(), std::move(in), effort);
    Scan scan(what_, has_newer_characters(in.text()), effort);
    scan.start(in.text());
    auto match = scan.next();
    if (!match) return in;
    Aligned out = in.emptied();
    std::size_t done = 0;
    effort.write(in.text().size());
    for (; match; match = scan.next()) {
      effort.write(with_.size());
      out.append(in, {done, match->begin});
      out.append(with_, in.original(*match));
      done = match->end;
    }
    out.append(in, {done, in.text().size()});
    return out;
  }

  /// The blanks of SentencePiece: one in six bytes of a text.
  Aligned replace_byte(char what, Aligned in, Effort& effort) const {
    const auto text = in.text();
    const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), what));
    if (count == 0) return in;
    effort.write(text.size() + count * with_.size());
    Aligned out = in.emptied();
    out.reserve(text.size() + count * with_.size());
    std::size_t done = 0;
    for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, done)) {
      out.append(in, {done, at});
      out.append(with_, in.original({at, at + 1}));
      done = at + 1;
    }
    out.append(in, {done, text.size()});
    return out;
  }

  Pattern what_;
  std::string with_;
};

/// Leaves white space at the ends out.
struct Strip final : Normalizer::Step {
  Strip(bool left, bool right) : left_(left), right_(right) {}
  Aligned apply(Aligned in, Effort&) const override {
    const auto text = in.text();
    std::size_t begin = 0, end = text.size();
    for (std::size_t at = 0; left_ && at < end; begin = at)
      if (!is_white_space(next_char(text, at))) break;
    while (right_ && end > begin) {
      std::size_t last = end - 1;
      while ((static_cast<unsigned char>(text[last]) & 0xc0) == 0x80) --last;
      std::size_t at = last;
      if (!is_white_space(next_char(text, at))) break;
      end = last;
    }
    if (begin == 0 && end == text.size()) return in;
    return in.part({begin, end});
  }
  bool left_, right_;
};

using Steps = std::vector<std::unique_ptr<Normalizer::Step>>;

void read_bert(const json::Object& node, Steps& steps) {
  const bool lower = node.flag("lowercase", true);
  if (node.flag("clean_text", true)) steps.push_back(clean_text());
  if (node.flag("handle_chinese_chars", true)) steps.push_back(space_chinese());
  if (node.flag("strip_accents", lower)) {
    steps.push_back(unicode_form(Compatibility::no, Composition::no));
    steps.push_back(strip_nonspacing());
  }
  if (lower) steps.push_back(lowercase());
}

struct Kind {
  const char* name;
  void (*read)(const json::Object&, Steps&);
};

constexpr Kind kKinds[] = {
    {"NFC", [](const json::Object&, Steps& to) { to.push_back(unicode_form(Compatibility::no, Composition::yes)); }},
    {"NFD", [](const json::Object&, Steps& to) { to.push_back(unicode_form(Compatibility::no, Composition::no)); }},
    {"NFKC", [](const json::Object&, Steps& to) { to.push_back(unicode_form(Compatibility::yes, Composition::yes)); }},
    {"NFKD", [](const json::Object&, Steps& to) { to.push_back(unicode_form(Compatibility::yes, Composition::no)); }},
    {"Lowercase", [](const json::Object&, Steps& to) { to.push_back(lowercase()); }},
    {"StripAccents", [](const json::Object&, Steps& to) { to.push_back(strip_accents()); }},
    {"Nmt", [](const json::Object&, Steps& to) { to.push_back(nmt()); }},
    {"ByteLevel", [](const json::Object&, Steps& to) { to.push_back(byte_letters()); }},
    {"BertNormalizer", read_bert},
    {"Precompiled", [](const json::Object& node, Steps& to) { to.push_back(precompiled(node)); }},
    {"Strip",
     [](const json::Object& node, Steps& to) {
       to.push_back(std::make_unique<Strip>(node.flag("strip_left"), node.flag("strip_right")));
     }},
    {"Prepend",
     [](const json::Object& node, Steps& to) { to.push_back(std::make_unique<Prepend>(node.at("prepend").text())); }},
    {"Replace",
     [](const json::Object& node, Steps& to) {
       to.push_back(std::make_unique<Replace>(read_pattern(node.at("pattern")), node.at("content").text()));
     }},
};

}  // namespace

Normalizer::Normalizer() = default;
Normalizer::Normalizer(Normalizer&&) noexcept = default;
Normalizer& Normalizer::operator=(Normalizer&&) noexcept = default;
Normalizer::~Normalizer() = default;

Normalizer::Normalizer(const std::optional<json::Node>& node) {
  if (node) read(node->object(), 0);
}

void Normalizer::read(const json::Object& node, int depth) {
  const std::string type = node.at("type").text();
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return type == k.name; });
  if (type == "Sequence") {
    if (depth > 8) node.node().refuse("is nested too deeply");
    for (const auto& part : node.at("normalizers").list()) read(part.object(), depth + 1);
  } else if (kind != std::end(kKinds)) {
    kind->read(node, steps_);
  } else {
    unsupported(node.node(), "normalizer '" + type + "'");
  }
  if (steps_.size() > 64) node.node().refuse("has more than 64 steps");
}

Aligned Normalizer::apply(Aligned text, Effort& effort) const {
  for (const auto& step : steps_) text = step->apply(std::move(text), effort);
  return text;
}

}  // namespace pst::tokenizer
