// SPDX-License-Identifier: Apache-2.0
#include "data/label_spans.hpp"

#include <algorithm>
#include <optional>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::data {
namespace {

constexpr auto kNowhere = std::string::npos;

/// Indices of the messages whose text is learned.
std::vector<std::size_t> chosen_turns(const Example& example, recipe::TrainOn train_on) {
  std::vector<std::size_t> turns;
  for (std::size_t i = example.prompt_messages; i < example.messages.size(); ++i)
    if (example.messages[i]["role"] == "assistant") turns.push_back(i);
  // What the record keeps from being learned is taken out last: else an earlier turn would become the completion.
  const auto is_kept_out = [&](std::size_t turn) {
    return std::binary_search(example.not_learned.begin(), example.not_learned.end(), turn);
  };
  // Of a chat the completion is the last answer; where a record says what the completion is, all of it.
  const bool last_only = train_on == recipe::TrainOn::completion && example.prompt_messages == 0;
  if (last_only && turns.size() > 1) turns.erase(turns.begin(), turns.end() - 1);
  std::erase_if(turns, is_kept_out);
  return turns;
}

std::size_t common_prefix(const std::string& a, const std::string& b) {
  const auto most = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(most), b.begin()).first - a.begin());
}

/// Renders beginnings of one conversation.
class Beginnings {
 public:
  Beginnings(const Example& example, const ChatFormat& format) : example_(example), format_(format) {}

  /// The first `count` messages.
  std::string text(std::size_t count, bool add_generation_prompt) {
    trim_to(count);
    while (messages_.size() < count) messages_.push_back(example_.messages[messages_.size()]);
    return format_.render(messages_, example_.tools, add_generation_prompt, example_.values);
  }

  /// What `{% generation %}` marks of the first `count` messages.
  std::vector<jinja::GeneratedPart> marked_parts(std::size_t count) {
    if (count == 0) return {};
    trim_to(count);
    while (messages_.size() < count) messages_.push_back(example_.messages[messages_.size()]);
    return format_.render_marked(messages_, example_.tools, example_.values).generated;
  }

  /// The first `turn` messages and then message `turn` with another content, which begins with another letter.
  std::string text_with_other_content(std::size_t turn, const std::string& content) {
    trim_to(turn);
    Json message = example_.messages[turn];
    message["content"] = !content.empty() && trim(content).substr(0, 1) == "X" ? "Y" : "X";
    messages_.push_back(std::move(message));
    std::string text = format_.render(messages_, example_.tools, /*add_generation_prompt=*/false, example_.values);
    trim_to(turn);
    return text;
  }

 private:
  void trim_to(std::size_t count) {
    while (messages_.size() > count) messages_.erase(messages_.size() - 1);
  }

  const Example& example_;
  const ChatFormat& format_;
  Json messages_ = Json::array();
};

/// Where a message's text stands in [begin, end) of the whole; templates may trim it. {kNowhere, kNowhere} when it does
/// not.
ByteSpan find_message(const std::string& whole, std::size_t begin, std::size_t end, std::string_view message) {
  const std::string_view part = std::string_view(whole).substr(begin, end - begin);
  for (const std::string_view wanted : {message, trim(message)})
    if (const auto at = part.find(wanted); at != kNowhere) return {begin + at, begin + at + wanted.size()};
  return {kNowhere, kNowhere};
}

/// The end of the first (or last) special token that lies in [begin, end); `end` when there is none.
std::size_t end_of_special(const Rendered& rendered, const tokenizer::Tokenizer& tokenizer, std::size_t begin,
                           std::size_t end, bool first) {
  std::size_t found = end;
  auto piece = std::partition_point(rendered.pieces.begin(), rendered.pieces.end(),
                                    [&](const tokenizer::Piece& p) { return p.begin < begin; });
  for (; piece != rendered.pieces.end() && piece->end <= end; ++piece)
    if (tokenizer.is_special(piece->id)) {
      found = piece->end;
      if (first) break;
    }
  return found;
}

[[noreturn]] void not_a_prefix(const ChatFormat& format, std::size_t turn) {
  throw Error(
      Fault::data,
      cat("message ", turn + 1, " cannot be told apart: ", format.template_file(),
          " does not write this conversation as its beginning plus more"),
      "use train_on: completion or all, or a template that writes earlier turns unchanged (data.chat_template)");
}

/// In the order of the text, those that touch put together.
std::vector<ByteSpan> joined(const std::vector<jinja::GeneratedPart>& parts) {
  std::vector<ByteSpan> spans;
  for (const auto& part : parts) {
    if (part.begin == part.end) continue;
    if (!spans.empty() && part.begin <= spans.back().end)
      spans.back().end = std::max(spans.back().end, part.end);
    else
      spans.push_back({part.begin, part.end});
  }
  return spans;
}

/// Whether the parts are those of the turn: they begin where they did when it was the last, or say what it says.
bool are_of_turn(std::span<const jinja::GeneratedPart> parts, std::span<const jinja::GeneratedPart> when_last,
                 const std::string& text, const Json& message) {
  const auto begins_there = [](const auto& a, const auto& b) { return a.begin == b.begin; };
  if (std::equal(parts.begin(), parts.end(), when_last.begin(), when_last.end(), begins_there)) return true;
  std::string all;
  for (const auto& part : parts) all += std::string_view(text).substr(part.begin, part.end - part.begin);
  const auto content = trim(message["content"].get_ref<const std::string&>()), written = trim(all);
  return !content.empty() && !written.empty() &&
         (written.find(content) != kNowhere || content.find(written) != kNowhere);
}

/// What the template itself says that the model writes. Where not all of it is learned, the parts of a turn are those
/// that are there with it and were not before it.
std::vector<ByteSpan> marked_spans(const Example& example, const ChatFormat& format, recipe::TrainOn train_on) {
  const auto whole = format.render_marked(example.messages, example.tools, example.values);
  const bool takes_all =
      train_on == recipe::TrainOn::assistant && example.prompt_messages == 0 && example.not_learned.empty();
  if (takes_all) return joined(whole.generated);
  Beginnings beginnings(example, format);
  std::vector<jinja::GeneratedPart> chosen;
  for (const std::size_t turn : chosen_turns(example, train_on)) {
    const std::size_t first = beginnings.marked_parts(turn).size();
    const auto through = beginnings.marked_parts(turn + 1);
    if (first > through.size() || through.size() > whole.generated.size()) not_a_prefix(format, turn);
    const auto parts = std::span(whole.generated).subspan(first, through.size() - first);
    if (!are_of_turn(parts, std::span(through).subspan(first), whole.text, example.messages[turn]))
      not_a_prefix(format, turn);
    chosen.insert(chosen.end(), parts.begin(), parts.end());
  }
  return joined(chosen);
}

}  // namespace

std::vector<ByteSpan> learned_spans(const Example& example, const Rendered& rendered, const ChatFormat& format,
                                    const tokenizer::Tokenizer& tokenizer, recipe::TrainOn train_on) {
  if (train_on == recipe::TrainOn::all) return {{0, rendered.text.size()}};
  if (format.marks_generation(example.tools)) return marked_spans(example, format, train_on);
  Beginnings beginnings(example, format);
  std::optional<bool> has_generation_prompt;  // a matter of the template: asked once
  std::vector<ByteSpan> spans;
  for (const std::size_t turn : chosen_turns(example, train_on)) {
    const std::string before = beginnings.text(turn, /*add_generation_prompt=*/true);
    if (!rendered.text.starts_with(before)) not_a_prefix(format, turn);
    std::size_t begin = before.size();
    if (begin >= rendered.visible_end) break;

    const Json& message = example.messages[turn];
    const std::string& content = message["content"].get_ref<const std::string&>();
    const bool is_last = turn + 1 == example.messages.size();
    if (!has_generation_prompt)
      has_generation_prompt = beginnings.text(turn, /*add_generation_prompt=*/false) != before;
    const std::string through = is_last ? rendered.text : beginnings.text(turn + 1, /*add_generation_prompt=*/false);
    // A template may close the last message of all differently; up to there the turn must be the same.
    const std::size_t turn_end = common_prefix(rendered.text, through);
    const bool calls_tools = has_calls(message);
    if (turn_end < begin || (calls_tools && turn_end != through.size())) not_a_prefix(format, turn);

    // Without a prompt for an answer, the turn begins with a header that the model is given, not asked for: all that
    // does not depend on what the message says.
    if (!*has_generation_prompt)
      begin = std::max(begin, common_prefix(through, beginnings.text_with_other_content(turn, content)));
    if (begin > turn_end) not_a_prefix(format, turn);
    const ByteSpan text = find_message(rendered.text, begin, turn_end, content);
    if (text.begin == kNowhere && turn_end != through.size()) not_a_prefix(format, turn);
    const bool is_found = text.begin != kNowhere && !calls_tools;
    const std::size_t search_from = is_found ? text.end : begin;
    spans.push_back({begin, end_of_special(rendered, tokenizer, search_from, turn_end, /*first=*/is_found)});
  }
  return spans;
}

std::vector<std::uint8_t> labels_of(std::span<const tokenizer::Piece> pieces, std::span<const ByteSpan> spans) {
  std::vector<std::uint8_t> labels(pieces.size(), 0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    while (next < spans.size() && spans[next].end <= pieces[i].begin) ++next;
    if (next == spans.size()) break;
    labels[i] = pieces[i].end > spans[next].begin ? 1 : 0;
  }
  if (!labels.empty()) labels[0] = 0;
  return labels;
}

}  // namespace pst::data
