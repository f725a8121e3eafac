// SPDX-License-Identifier: Apache-2.0
#include "config/parse_yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>

#include "core/keyed_hash.hpp"
#include "core/strings.hpp"

namespace pst::config {
namespace {

using Source = std::shared_ptr<const std::string>;

/// Stops the parse: raised where going on makes no sense or costs too much.
[[noreturn]] void stop(const Mark& where, const std::string& what) {
  throw Error(Fault::usage, cat(where.text(), ": ", what, " (1 problem, nothing started)"));
}

/// Reads memory in place, a block at a time. Inside of brackets the scanner looks ahead for their end, some 200 bytes
/// of memory for each sign, before the first event comes: where too many signs come without one, the text ends here.
/// The events of what was read then say what is too deep or too much of it.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::string_view text) : rest_(text) {}

  void event() { signs_ = 0; }
  bool was_cut() const { return was_cut_; }

 private:
  static constexpr std::size_t kMostSigns = 200'000, kBlock = 4096;

  int_type underflow() override {
    if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
    if (signs_ > kMostSigns) was_cut_ = !rest_.empty();
    if (rest_.empty() || was_cut_) return traits_type::eof();
    const std::string_view block = rest_.substr(0, kBlock);
    rest_.remove_prefix(block.size());
    signs_ += static_cast<std::size_t>(
        std::count_if(block.begin(), block.end(), [](char c) { return c == '[' || c == '{' || c == ','; }));
    char* const begin = const_cast<char*>(block.data());  // streambuf wants char*, and never writes while reading
    setg(begin, begin, begin + block.size());
    return traits_type::to_int_type(*begin);
  }

  std::string_view rest_;
  std::size_t signs_ = 0;  // since the last event
  bool was_cut_ = false;
};

/// Builds our tree from the parser's events, so that limits hold while the document is read and not after.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(Source source, const ParseLimits& limits, Problems& problems, MemoryBuffer& buffer)
      : source_(std::move(source)), limits_(limits), problems_(problems), buffer_(buffer) {}

  Node take() { return std::move(root_); }

  /// Where the last quoted text begins; {0, 0} when there is none.
  Mark last_quoted() const { return last_quoted_; }
  Mark last() const { return last_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) stop(at(mark), "a second document starts here; a file holds one");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(start(mark, Node::Kind::null));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    stop(at(mark), "aliases (*name) are not used here; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node = start(mark, Node::Kind::scalar);
    node.text = value;
    node.quoted = tag == "!";  // yaml-cpp marks plain scalars "?" and quoted ones "!"
    if (node.quoted) last_quoted_ = node.mark;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    bool has_key = false;
    std::string key;
    Mark key_mark;
    std::unordered_map<std::string, int, KeyedHash> seen;  // key -> line
  };

  Mark at(const YAML::Mark& mark) const { return {source_, mark.line + 1, mark.column + 1}; }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) stop(at(mark), "anchors (&name) are not used here; write the value out where it is needed");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") stop(at(mark), cat("tags are not used here: ", quoted(tag, 60)));
  }

  Node start(const YAML::Mark& mark, Node::Kind kind) {
    buffer_.event();
    last_ = at(mark);
    if (++nodes_ > limits_.max_nodes) stop(at(mark), cat("more than ", limits_.max_nodes, " values in one file"));
    Node node;
    node.kind = kind;
    node.mark = at(mark);
    return node;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (static_cast<int>(stack_.size()) >= limits_.max_depth)
      stop(at(mark), cat("nested more than ", limits_.max_depth, " levels deep"));
    Frame frame;
    frame.node = start(mark, kind);
    stack_.push_back(std::move(frame));
  }

  void close() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == Node::Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      take_key(frame, std::move(node));
    } else {
      frame.has_key = false;
      frame.node.entries.push_back({std::move(frame.key), frame.key_mark, std::move(node)});
    }
  }

  void take_key(Frame& frame, Node node) {
    if (node.kind != Node::Kind::scalar) stop(node.mark, cat("a key must be a word, but this is ", node.describe()));
    frame.has_key = true;
    frame.key = std::move(node.text);
    frame.key_mark = node.mark;
    const auto [first, is_new] = frame.seen.emplace(frame.key, node.mark.line);
    if (!is_new)
      problems_.add(node.mark, cat("key ", quoted(frame.key, 80), " is already there in line ", first->second));
  }

  Source source_;
  ParseLimits limits_;
  Problems& problems_;
  MemoryBuffer& buffer_;
  std::vector<Frame> stack_;
  Node root_;
  Mark last_quoted_, last_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

/// What yaml-cpp does not see, or sees too late to name well.
void check_text(std::string_view text, const Source& source, const ParseLimits& limits) {
  if (text.size() > limits.max_bytes)
    stop({source, 1, 1}, cat("the file has ", human_bytes(text.size()), "; at most ", human_bytes(limits.max_bytes)));
  int line = 1;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view row = text.substr(0, end);
    if (!is_utf8(row)) stop({source, line, 1}, "this line is not UTF-8");
    const auto content = row.find_first_not_of(" \t");
    const auto tab = row.substr(0, content).find('\t');
    if (tab != std::string_view::npos && content != std::string_view::npos)
      stop({source, line, static_cast<int>(tab) + 1}, "a tab in the indentation; YAML wants spaces");
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto c = static_cast<unsigned char>(row[i]);
      if ((c < 0x20 && c != '\t' && !(c == '\r' && i + 1 == row.size())) || c == 0x7f)
        stop({source, line, static_cast<int>(i) + 1}, cat("control character ", quoted(row.substr(i, 1))));
    }
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
    ++line;
  }
}

/// yaml-cpp takes the end of the file for the end of a quoted text. A file that was cut off there must not pass.
void check_quote_is_closed(std::string_view text, const Mark& mark) {
  if (mark.line == 0) return;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (int line = 1; line < mark.line; ++line) text.remove_prefix(text.find('\n') + 1);
  text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(mark.column - 1)));
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '"' && quote != '\'') return;  // a block text (| or >) ends where it ends
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return;
      ++i;  // '' inside a single-quoted text is one quote
    }
  }
  stop(mark, "the quote that opens here is not closed");
}

}  // namespace

Node parse_yaml(std::string_view text, const std::string& name, Problems& problems, const ParseLimits& limits) {
  const auto source = std::make_shared<const std::string>(name);
  check_text(text, source, limits);
  MemoryBuffer buffer(text);
  TreeBuilder builder(source, limits, problems, buffer);
  const auto check_all_was_read = [&] {
    if (!buffer.was_cut()) return;
    const Mark last = builder.last();
    stop({source, std::max(1, last.line), std::max(1, last.column)},
         "a value with more than 200,000 brackets and commas");
  };
  try {
    std::istream in(&buffer);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    check_all_was_read();
    stop({source, std::max(0, error.mark.line) + 1, std::max(0, error.mark.column) + 1},
         cat("not valid YAML: ", error.msg));
  }
  check_all_was_read();
  check_quote_is_closed(text, builder.last_quoted());
  return builder.take();
}

namespace {

/// The place that `path` names, made where it is missing. Nothing, with a problem added, where it cannot be.
Node* place_for(Node& document, const std::string& path, const Mark& mark, Problems& problems) {
  constexpr std::size_t kDeepest = 16;
  Node* at = &document;
  std::string so_far;
  const auto parts = split(path, '.');
  if (parts.size() > kDeepest) {
    problems.add(mark, cat("no key is ", parts.size(), " levels deep"));
    return nullptr;
  }
  for (const auto& part : parts) {
    if (part.empty()) {
      problems.add(mark, "an override is written key.sub=value");
      return nullptr;
    }
    if (at->kind == Node::Kind::list) {
      const auto index = to_int(part);
      if (!index || *index < 0 || *index >= static_cast<std::int64_t>(at->items.size())) {
        problems.add(mark, cat("'", so_far, "' is a list of ", at->items.size(), "; ", quoted(part, 60),
                               " is not one of its places, counted from 0"));
        return nullptr;
      }
      at = &at->items[static_cast<std::size_t>(*index)];
    } else if (at->kind == Node::Kind::scalar) {
      problems.add(mark, cat("'", so_far, "' is a value and not a section"));
      return nullptr;
    } else {
      at->kind = Node::Kind::map;
      if (!at->mark.source) at->mark = mark;
      const auto found = std::find_if(at->entries.begin(), at->entries.end(),
                                      [&](const Node::Entry& entry) { return entry.key == part; });
      if (found != at->entries.end()) {
        at = &found->value;
      } else {
        at->entries.push_back({part, mark, Node{}});
        at = &at->entries.back().value;
      }
    }
    so_far = so_far.empty() ? part : cat(so_far, ".", part);
  }
  return at;
}

void set_marks(Node& node, const Mark& mark) {
  node.mark = mark;
  for (auto& item : node.items) set_marks(item, mark);
  for (auto& entry : node.entries) {
    entry.key_mark = mark;
    set_marks(entry.value, mark);
  }
}

}  // namespace

void apply_override(Node& document, const std::string& assignment, Problems& problems) {
  const auto shown = find_control(assignment) || assignment.size() > 120 ? quoted(assignment, 120) : assignment;
  const Mark mark{std::make_shared<const std::string>(cat("--set ", shown)), 0, 0};
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems.add(mark, "an override is written key.sub=value");
    return;
  }
  Node value;
  try {
    value = parse_yaml(std::string_view(assignment).substr(equals + 1), *mark.source, problems);
  } catch (const Error& error) {
    problems.add(mark, "the value is not valid YAML; quote text that has : # [ ] { } in it");
    return;
  }
  set_marks(value, mark);
  assign(document, assignment.substr(0, equals), std::move(value), mark, problems);
}

void assign(Node& document, const std::string& path, Node value, const Mark& mark, Problems& problems) {
  Node* const place = place_for(document, path, mark, problems);
  if (place != nullptr) *place = std::move(value);
}

}  // namespace pst::config
