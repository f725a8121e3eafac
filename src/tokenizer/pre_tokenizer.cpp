// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_tokenizer.hpp"

#include <algorithm>

#include "core/strings.hpp"
#include "tokenizer/read_pattern.hpp"
#include "tokenizer/text_pattern.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unsupported.hpp"

namespace pst::tokenizer {

struct PreTokenizer::Step {
  virtual ~Step() = default;
  virtual void apply(Words& words, Effort& effort) const = 0;
};

namespace {

/// GPT-2's words: contractions, letters, digits, other signs, each with the blank before it; white space.
constexpr std::string_view kGpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

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

struct Digits final : PreTokenizer::Step {
  explicit Digits(bool individual) : behavior_(individual ? Behavior::isolated : Behavior::contiguous) {}

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
        if (!is_numeric(next_char(text, at))) continue;
        if (done < begin) parts.push_back({{done, begin}, false});
        parts.push_back({{begin, at}, true});
        done = at;
      }
      if (done < word.end) parts.push_back({{done, word.end}, false});
      add_parts(parts, behavior_, out);
    }
    words.ranges = std::move(out);
  }

  Behavior behavior_;
};

/// Rewrites every word through `edit(word, where to append)`.
template <class Edit>
void rewrite(Words& words, Effort& effort, Edit edit) {
  Aligned out;
  for (Range& word : words.ranges) {
    const std::size_t begin = out.text().size();
    edit(word, out);
    effort.write(out.text().size() - begin);
    word = {begin, out.text().size()};
  }
  words.text = std::move(out);
}

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
  // From ByteLevel on, HF's pieces are in the byte alphabet; ours are not, so a later pattern would see other
  // characters.
  if (byte_level_) unsupported(node.node(), "pre-tokenizer '" + type + "' after ByteLevel");
  if (type == "Sequence") {
    if (depth > 8) node.node().refuse("is nested too deeply");
    for (const auto& part : node.at("pretokenizers").list()) read(part.object(), depth + 1);
  } else if (type == "Split") {
    steps_.push_back(std::make_unique<Split>(read_pattern(node.at("pattern")), read_behavior(node.at("behavior")),
                                             node.flag("invert", false)));
  } else if (type == "Digits") {
    steps_.push_back(std::make_unique<Digits>(node.flag("individual_digits", false)));
  } else if (type == "Metaspace") {
    const std::string sign = node.at("replacement").text();
    if (sign.empty() || char_length(sign[0]) != sign.size()) node.refuse("replacement", "is not one character");
    steps_.push_back(std::make_unique<Metaspace>(sign, read_prepend(node)));
    if (node.flag("split", true))
      steps_.push_back(std::make_unique<Split>(Pattern::literal(sign), Behavior::merged_with_next, /*invert=*/false));
  } else if (type == "ByteLevel") {
    if (node.flag("add_prefix_space", true)) steps_.push_back(std::make_unique<PrefixSpace>());
    if (node.flag("use_regex", true))
      steps_.push_back(std::make_unique<Split>(Pattern::regex(kGpt2), Behavior::isolated, /*invert=*/false));
    byte_level_ = true;
  } else {
    unsupported(node.node(), "pre-tokenizer '" + type + "'");
  }
  if (steps_.size() > 64) node.node().refuse("has more than 64 steps");
}

void PreTokenizer::run(Words& words, Effort& effort) const {
  for (const auto& step : steps_) step->apply(words, effort);
}

}  // namespace pst::tokenizer
