// SPDX-License-Identifier: Apache-2.0
#include "core/printable.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst {
namespace {

unsigned char byte_of(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

/// Whether the character at the start of `text`, of so many bytes, is one that a terminal shows.
bool is_shown(std::string_view text, std::size_t length) {
  const unsigned first = byte_of(text, 0);
  if (length == 0 || first < 0x20 || first == 0x7f) return false;
  return first != 0xC2 || byte_of(text, 1) >= 0xA0;  // C1: an 8-bit form of what begins with ESC
}

/// Whether `text`, which is no character, may become one when more bytes come.
bool is_begun(std::string_view text) {
  const unsigned first = byte_of(text, 0);
  const std::size_t whole = first >= 0xF0 && first <= 0xF4 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (first > 0xF4 || text.size() >= whole) return false;
  for (std::size_t i = 1; i < text.size(); ++i)
    if (byte_of(text, i) < 0x80 || byte_of(text, i) > 0xBF) return false;
  return true;
}

}  // namespace

std::string printable(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    const auto length = utf8_length(line);
    if (is_shown(line, length))
      out += line.substr(0, length);
    else if (line[0] == '\t')
      out += ' ';
    else if (line[0] != '\r')
      out += '?';
    line.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string printable_json(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0 || is_shown(text, length) || byte_of(text, 0) < 0x20)
      out += text.substr(0, std::max<std::size_t>(1, length));
    else
      out += cat("\\u00", kHex[byte_of(text, length - 1) >> 4], kHex[byte_of(text, length - 1) & 15]);
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return out;
}

PrintableBuffer::~PrintableBuffer() { put_rest(); }

void PrintableBuffer::put_control(std::string_view sequence) {
  put_rest();
  target_.sputn(sequence.data(), static_cast<std::streamsize>(sequence.size()));
}

PrintableBuffer::int_type PrintableBuffer::overflow(int_type next) {
  if (traits_type::eq_int_type(next, traits_type::eof())) return traits_type::not_eof(next);
  const char c = traits_type::to_char_type(next);
  return put({&c, 1}) ? next : traits_type::eof();
}

std::streamsize PrintableBuffer::xsputn(const char* text, std::streamsize size) {
  return put({text, static_cast<std::size_t>(size)}) ? size : 0;
}

int PrintableBuffer::sync() { return target_.pubsync(); }

bool PrintableBuffer::put(std::string_view text) {
  const std::string joined = begun_.empty() ? std::string() : begun_.append(text);
  if (!begun_.empty()) text = joined;
  begun_.clear();
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0 && is_begun(text)) {
      begun_ = text;
      break;
    }
    if (text[0] == '\n' || text[0] == '\t')
      out += text[0];
    else
      out += printable(text.substr(0, length == 0 ? 1 : length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  const auto size = static_cast<std::streamsize>(out.size());
  return target_.sputn(out.data(), size) == size;
}

bool PrintableBuffer::put_rest() {
  const std::string out = printable(begun_);
  begun_.clear();
  const auto size = static_cast<std::streamsize>(out.size());
  return target_.sputn(out.data(), size) == size;
}

void put_control(std::ostream& out, std::string_view sequence) {
  if (auto* const buffer = dynamic_cast<PrintableBuffer*>(out.rdbuf()))
    buffer->put_control(sequence);
  else
    out << sequence;
}

}  // namespace pst
