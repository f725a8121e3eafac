// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_tokenizer.hpp"

#include <algorithm>
#include <functional>

#include "core/strings.hpp"
#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/older_unicode.hpp"
#include "tokenizer/read_pattern.hpp"
#include "tokenizer/split_patterns.hpp"
#include "tokenizer/text_pattern.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unsupported.hpp"
#include "tokenizer/word_character.hpp"

namespace pst::tokenizer {

struct PreTokenizer::Step {
  virtual ~Step() = default;
  virtual void apply(Words& words, Effort& effort) const = 0;
};

namespace {

/// What becomes of the parts that a pattern matched.
enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct Part {
  Range range;
  bool delimiter;
};

/// Applies `behavior` to the parts of one word, and adds the outcome. The parts cover the word, in order.
void add_parts(const std::vector<Part>& parts, Behavior behavior, std::vector<Range>& out) {
  const auto add = [&](Range range) {
    if (range.size() > 0) out.push_back(range);
  };
  if (behavior == Behavior::merged_with_next) {
    std::vector<Range> backwards;
    bool after_delimiter = false;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (part->delimiter && !after_delimiter && !backwards.empty())
        backwards.back().begin = part->range.begin;
      else
        backwards.push_back(part->range);
      after_delimiter = part->delimiter;
    }
    std::for_each(backwards.rbegin(), backwards.rend(), add);
    return;
  }
  std::vector<Range> merged;
  bool after_delimiter = false;
  for (const Part& part : parts) {
    bool joins = false;
    switch (behavior) {
      case Behavior::removed:
        if (!part.delimiter) merged.push_back(part.range);
        continue;
      case Behavior::contiguous: joins = part.delimiter == after_delimiter; break;
      case Behavior::merged_with_previous: joins = part.delimiter && !after_delimiter; break;
      case Behavior::isolated:
      case Behavior::merged_with_next: break;
    }
    if (joins && !merged.empty())
      merged.back().end = part.range.end;
    else
      merged.push_back(part.range);
    after_delimiter = part.delimiter;
  }
  std::for_each(merged.begin(), merged.end(), add);
}

struct Split final : PreTokenizer::Step {
  Split(Pattern pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void apply(Words& words, Effort& effort) const override {
    std::vector<Range> out;
    out.reserve(words.ranges.size() + words.text.text().size() / 4);
    if (const Cutter cutter = pattern_.cutter(); cutter && behavior_ == Behavior::isolated) {
      for (const Range word : words.ranges) cutter(words.text.text().substr(word.begin, word.size()), word.begin, out);
      words.ranges = std::move(out);
      return;
    }
    Scan scan(pattern_, words.newer, effort);
    std::vector<Part> parts;
    for (const Range word : words.ranges) {
      scan.start(words.text.text().substr(word.begin, word.size()));
      std::size_t done = word.begin;
      parts.clear();
      const auto add = [&](Range range, bool matched) {
        if (behavior_ != Behavior::isolated)
          parts.push_back({range, matched != invert_});
        else if (range.size() > 0)
          out.push_back(range);
      };
      while (const auto match = scan.next()) {
        const Range range{word.begin + match->begin, word.begin + match->end};
        if (done != range.begin) add({done, range.begin}, false);
        add(range, true);
        done = range.end;
      }
      if (done != word.end) add({done, word.end}, false);
      if (behavior_ != Behavior::isolated) add_parts(parts, behavior_, out);
    }
    words.ranges = std::move(out);
  }

  Pattern pattern_;
  Behavior behavior_;
  bool invert_;
};

/// Splits at the characters of a class.
struct SplitAt final : PreTokenizer::Step {
  SplitAt(std::function<bool(char32_t)> is_delimiter, Behavior behavior)
      : is_delimiter_(std::move(is_delimiter)), behavior_(behavior) {}

  void apply(Words& words, Effort&) const override {
    const auto text = words.text.text();
    std::vector<Range> out;
    out.reserve(words.ranges.size() + text.size() / 8);
    std::vector<Part> parts;
    for (const Range word : words.ranges) {
      std::size_t done = word.begin;
      parts.clear();
      for (std::size_t at = word.begin; at < word.end;) {
        const std::size_t begin = at;
        if (!is_delimiter_(next_char(text, at))) continue;
        if (done < begin) parts.push_back({{done, begin}, false});
        parts.push_back({{begin, at}, true});
        done = at;
      }
      if (done < word.end) parts.push_back({{done, word.end}, false});
      add_parts(parts, behavior_, out);
    }
    words.ranges = std::move(out);
  }

  std::function<bool(char32_t)> is_delimiter_;
  Behavior behavior_;
};

/// Runs of word characters, and runs of others that are no white space; white space is left out.
struct WordsAndSigns final : PreTokenizer::Step {
  enum class Class { space, word, sign };
  static Class class_of(char32_t c) {
    return is_white_space(c) ? Class::space : is_word_character(c) ? Class::word : Class::sign;
  }

  void apply(Words& words, Effort&) const override {
    const auto text = words.text.text();
    std::vector<Range> out;
    for (const Range word : words.ranges) {
      Class before = Class::space;
      for (std::size_t at = word.begin; at < word.end;) {
        const std::size_t begin = at;
        const Class now = class_of(next_char(text, at));
        if (now == before && now != Class::space)
          out.back().end = at;
        else if (now != Class::space)
          out.push_back({begin, at});
        before = now;
      }
    }
    words.ranges = std::move(out);
  }
};

/// Pieces of so many characters; the last may be shorter.
struct FixedLength final : PreTokenizer::Step {
  explicit FixedLength(std::size_t length) : length_(length) {}
  void apply(Words& words, Effort&) const override {
    const auto text = words.text.text();
    std::vector<Range> out;
    for (const Range word : words.ranges)
      for (std::size_t at = word.begin; at < word.end;) {
        const std::size_t begin = at;
        for (std::size_t i = 0; i < length_ && at < word.end; ++i) at += char_length(text[at]);
        out.push_back({begin, at});
      }
    words.ranges = std::move(out);
  }
  std::size_t length_;
};

/// Rewrites every word through `edit(word, where to append)`.
template <class Edit>
void rewrite(Words& words, Effort& effort, Edit edit) {
  Aligned out = words.text.emptied();
  for (Range& word : words.ranges) {
    const std::size_t begin = out.text().size();
    edit(word, out);
    effort.write(out.text().size() - begin);
    word = {begin, out.text().size()};
  }
  words.text = std::move(out);
}

/// ByteLevel with other steps behind it: they see the letters.
struct SpellBytes final : PreTokenizer::Step {
  void apply(Words& words, Effort& effort) const override {
    const auto text = words.text.text();
    rewrite(words, effort, [&](Range word, Aligned& out) {
      for (std::size_t at = word.begin; at < word.end; ++at)
        out.append(letter_of(static_cast<unsigned char>(text[at])), words.text.original({at, at + 1}));
    });
    words.newer = false;
  }
};

struct PrefixSpace final : PreTokenizer::Step {
  void apply(Words& words, Effort& effort) const override {
    const auto text = words.text.text();
    const auto has_one = [&](Range word) { return text[word.begin] == ' '; };
    if (std::all_of(words.ranges.begin(), words.ranges.end(), has_one)) return;
    rewrite(words, effort, [&](Range word, Aligned& out) {
      const auto start = words.text.original({word.begin, word.begin});
      if (!has_one(word)) out.append(" ", start);
      out.append(words.text, word);
    });
  }
};

/// Blanks written as a visible sign, SentencePiece's way.
struct Metaspace final : PreTokenizer::Step {
  enum class Prepend { always, first, never };

  Metaspace(std::string sign, Prepend prepend) : sign_(std::move(sign)), prepend_(prepend) {}

  void apply(Words& words, Effort& effort) const override {
    const auto text = words.text.text();
    rewrite(words, effort, [&](Range word, Aligned& out) {
      const auto inside = text.substr(word.begin, word.size());
      const auto start = words.text.original({word.begin, word.begin});
      const bool has_one = inside[0] == ' ' || inside.starts_with(sign_);
      if (!has_one && (prepend_ == Prepend::always || (prepend_ == Prepend::first && start.begin == 0)))
        out.append(sign_, start);
      for (std::size_t at = 0; at < inside.size();) {
        const std::size_t blank = std::min(inside.find(' ', at), inside.size());
        out.append(words.text, {word.begin + at, word.begin + blank});
        if (blank < inside.size()) out.append(sign_, words.text.original({word.begin + blank, word.begin + blank + 1}));
        at = blank + 1;
      }
    });
  }

  std::string sign_;
  Prepend prepend_;
};

Behavior read_behavior(const json::Node& node) {
  const std::string name = node.text();
  if (name == "Removed") return Behavior::removed;
  if (name == "Isolated") return Behavior::isolated;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  if (name == "Contiguous") return Behavior::contiguous;
  unsupported(node, "behavior '" + name + "'");
}

Metaspace::Prepend read_prepend(const json::Object& node) {
  const auto scheme = node.get("prepend_scheme");
  if (!scheme) return node.flag("add_prefix_space", true) ? Metaspace::Prepend::always : Metaspace::Prepend::never;
  const std::string name = scheme->text();
  if (name == "always") return Metaspace::Prepend::always;
  if (name == "first") return Metaspace::Prepend::first;
  if (name == "never") return Metaspace::Prepend::never;
  unsupported(*scheme, "prepend_scheme '" + name + "'");
}

using Steps = std::vector<std::unique_ptr<PreTokenizer::Step>>;

void add_split_at(Steps& to, bool (*is_delimiter)(char32_t), Behavior behavior) {
  to.push_back(std::make_unique<SplitAt>(is_delimiter, behavior));
}

char32_t one_character(const json::Object& node, const char* key) {
  const std::string text = node.at(key).text();
  if (text.empty() || char_length(text[0]) != text.size()) node.refuse(key, "is not one character");
  std::size_t at = 0;
  return next_char(text, at);
}

void read_metaspace(const json::Object& node, Steps& to) {
  (void)one_character(node, "replacement");
  const std::string sign = node.at("replacement").text();
  to.push_back(std::make_unique<Metaspace>(sign, read_prepend(node)));
  if (node.flag("split", true))
    to.push_back(std::make_unique<Split>(Pattern::literal(sign), Behavior::merged_with_next, /*invert=*/false));
}

void read_byte_level(const json::Object& node, Steps& to) {
  if (node.flag("add_prefix_space", true)) to.push_back(std::make_unique<PrefixSpace>());
  if (node.flag("use_regex", true))
    to.push_back(std::make_unique<Split>(Pattern::regex(split_patterns::kGpt2), Behavior::isolated, /*invert=*/false));
}

struct Kind {
  const char* name;
  void (*read)(const json::Object&, Steps&);
};

constexpr Kind kKinds[] = {
    {"ByteLevel", read_byte_level},
    {"Metaspace", read_metaspace},
    {"Split",
     [](const json::Object& node, Steps& to) {
       to.push_back(std::make_unique<Split>(read_pattern(node.at("pattern")), read_behavior(node.at("behavior")),
                                            node.flag("invert", false)));
     }},
    {"Digits",
     [](const json::Object& node, Steps& to) {
       add_split_at(to, is_numeric, node.flag("individual_digits", false) ? Behavior::isolated : Behavior::contiguous);
     }},
    {"Punctuation",
     [](const json::Object& node, Steps& to) {
       const auto behavior = node.get("behavior");
       add_split_at(to, is_punctuation, behavior ? read_behavior(*behavior) : Behavior::isolated);
     }},
    {"Whitespace", [](const json::Object&, Steps& to) { to.push_back(std::make_unique<WordsAndSigns>()); }},
    {"WhitespaceSplit", [](const json::Object&, Steps& to) { add_split_at(to, is_white_space, Behavior::removed); }},
    {"BertPreTokenizer",
     [](const json::Object&, Steps& to) {
       add_split_at(to, is_white_space, Behavior::removed);
       add_split_at(to, is_punctuation, Behavior::isolated);
     }},
    {"CharDelimiterSplit",
     [](const json::Object& node, Steps& to) {
       const char32_t sign = one_character(node, "delimiter");
       to.push_back(std::make_unique<SplitAt>([sign](char32_t c) { return c == sign; }, Behavior::removed));
     }},
    {"FixedLength",
     [](const json::Object& node, Steps& to) {
       const auto length = node.get("length");
       to.push_back(std::make_unique<FixedLength>(length ? static_cast<std::size_t>(length->whole(1)) : 5));
     }},
};

}  // namespace

PreTokenizer::PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

PreTokenizer::PreTokenizer(const std::optional<json::Node>& node) {
  if (node) read(node->object(), 0);
}

void PreTokenizer::read(const json::Object& node, int depth) {
  const std::string type = node.at("type").text();
  if (type == "Sequence") {
    if (depth > 8) node.node().refuse("is nested too deeply");
    for (const auto& part : node.at("pretokenizers").list()) read(part.object(), depth + 1);
    return;
  }
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return type == k.name; });
  if (kind == std::end(kKinds)) unsupported(node.node(), "pre-tokenizer '" + type + "'");
  if (byte_level_) steps_.push_back(std::make_unique<SpellBytes>());
  kind->read(node, steps_);
  // The last one spells nothing: the model takes bytes, and has their letters in its vocabulary.
  byte_level_ = type == "ByteLevel";
  needs_origins_ |= type == "Metaspace" && node.text("prepend_scheme") == "first";
  if (steps_.size() > 64) node.node().refuse("has more than 64 steps");
}

void PreTokenizer::run(Words& words, Effort& effort) const {
  for (const auto& step : steps_) step->apply(words, effort);
}

}  // namespace pst::tokenizer
