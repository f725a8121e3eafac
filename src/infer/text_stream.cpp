// SPDX-License-Identifier: Apache-2.0
#include "infer/text_stream.hpp"

#include <algorithm>
#include <string_view>

#include "tokenizer/unicode.hpp"

namespace pst::infer {
namespace {

/// Bytes at the end that begin a character whose rest has not come.
std::size_t begun_character(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return 0;
    if (byte < 0xC0) continue;  // inside of one
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    return back < length ? back : 0;
  }
  return 0;
}

/// Bytes at the end with which `stop` begins, all of it left out.
std::size_t begun_stop(std::string_view text, std::string_view stop) {
  for (std::size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length)
    if (text.ends_with(stop.substr(0, length))) return length;
  return 0;
}

}  // namespace

TextStream::TextStream(const tokenizer::Tokenizer& tokenizer, std::vector<std::string> stops, bool keep_stop)
    : tokenizer_(tokenizer), stops_(std::move(stops)), keep_stop_(keep_stop) {
  std::erase(stops_, std::string());
}

std::string TextStream::add(std::int32_t token) {
  if (stopped_by_) return {};
  if (tokenizer_.has(token) && !tokenizer_.is_special(token)) held_ += tokenizer_.bytes_of(token);
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_)
    if (const std::size_t at = held_.find(stop); at < first) {
      first = at;
      stopped_by_ = stop;
    }
  if (stopped_by_) {
    held_.resize(first + (keep_stop_ ? stopped_by_->size() : 0));
    return end();
  }
  return certain();
}

std::string TextStream::certain() {
  std::size_t kept = begun_character(held_);
  for (const std::string& stop : stops_) kept = std::max(kept, begun_stop(held_, stop));
  // A character is not cut either where a stop string might begin behind its first byte: it would begin with it.
  const std::string text = held_.substr(0, held_.size() - kept);
  held_.erase(0, text.size());
  return tokenizer::lossy_utf8(text);
}

std::string TextStream::end() {
  const std::string text = tokenizer::lossy_utf8(held_);
  held_.clear();
  return text;
}

}  // namespace pst::infer
