// SPDX-License-Identifier: Apache-2.0
#include "datafiles/encoding.hpp"

#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::datafiles {
namespace {

/// Windows programs write UTF-16, some tools UTF-32.
std::string wide_encoding(std::string_view text) {
  using namespace std::string_view_literals;
  const auto begins = [&](std::string_view with) { return text.starts_with(with); };
  if (begins("\xff\xfe\0\0"sv) || begins("\0\0\xfe\xff"sv))
    return "UTF-32";  // before UTF-16, whose mark it begins with
  if (begins("\xff\xfe"sv) || begins("\xfe\xff"sv)) return "UTF-16";
  for (const char c : {'{', '['}) {
    const std::string one(1, c);
    if (begins(one + std::string(3, '\0'))) return "UTF-32LE";
    if (begins(std::string(3, '\0') + one)) return "UTF-32BE";
    if (begins(one + std::string(1, '\0'))) return "UTF-16LE";
    if (begins(std::string(1, '\0') + one)) return "UTF-16BE";
  }
  return {};
}

/// `front` without a character that its end cuts.
std::string_view whole_characters(std::string_view front) {
  std::size_t end = front.size();
  for (int back = 0; back < 3 && end > 0 && (static_cast<unsigned char>(front[end - 1]) & 0xc0) == 0x80; ++back) --end;
  const bool is_cut =
      end > 0 && static_cast<unsigned char>(front[end - 1]) >= 0xc0 && utf8_length(front.substr(end - 1)) == 0;
  return is_cut ? front.substr(0, end - 1) : front;
}

class ConvertedStream final : public ByteStream {
 public:
  ConvertedStream(std::unique_ptr<ByteStream> from, std::string encoding)
      : from_(std::move(from)), encoding_(std::move(encoding)), state_(::iconv_open("UTF-8", encoding_.c_str())) {
    if (state_ == iconv_t(-1))
      throw Error(Fault::usage, cat("no encoding ", quoted(encoding_, 60), " is known here"),
                  "`iconv --list` prints all, UTF-16 and WINDOWS-1252 among them");
  }
  ~ConvertedStream() override { ::iconv_close(state_); }

  std::string_view next() override {
    while (true) {
      const std::string_view piece = from_->next();
      made_.clear();
      if (piece.empty()) {
        if (!rest_.empty()) wrong("the text ends within a character");
        if (std::exchange(is_over_, true)) return {};
        take_kept();
        if (made_.empty()) return {};
      }
      rest_ += piece;
      read_ += piece.size();
      convert();
      std::string_view made = made_;
      if (is_first_ && made.starts_with("\xef\xbb\xbf")) made.remove_prefix(3);
      if (made.empty()) continue;
      is_first_ = false;
      return made;
    }
  }

 private:
  void convert() {
    char* in = rest_.data();
    std::size_t left = rest_.size();
    while (left > 0) {
      char out[1 << 14];
      char* to = out;
      std::size_t room = sizeof out;
      const std::size_t status = ::iconv(state_, &in, &left, &to, &room);
      made_.append(out, sizeof out - room);
      if (status != std::size_t(-1) || errno == E2BIG) continue;
      if (errno == EINVAL) break;  // the character goes on in the next piece
      wrong(cat("byte ", read_ - left + 1, " is no character of it"));
    }
    rest_.erase(0, rest_.size() - left);
  }
  /// A letter that an accent may follow (WINDOWS-1258) is kept until it is known that none does.
  void take_kept() {
    char out[64];
    char* to = out;
    std::size_t room = sizeof out;
    ::iconv(state_, nullptr, nullptr, &to, &room);
    made_.append(out, sizeof out - room);
  }
  [[noreturn]] void wrong(const std::string& why) const {
    throw Error(Fault::data, cat("the file is not ", encoding_, ": ", why),
                "name its true encoding, or leave `encoding` out to have it guessed");
  }

  std::unique_ptr<ByteStream> from_;
  std::string encoding_, rest_, made_;
  iconv_t state_;
  std::uint64_t read_ = 0;
  bool is_first_ = true, is_over_ = false;
};

}  // namespace

std::string encoding_of(std::string_view front) {
  if (std::string wide = wide_encoding(front); !wide.empty()) return wide;
  if (front.find('\0') != front.npos || is_utf8(whole_characters(front))) return {};
  // Windows-1252 has letters and quotes where ISO 8859-1 has controls that no text holds.
  const bool is_windows = std::any_of(front.begin(), front.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 && byte < 0xa0;
  });
  return is_windows ? "WINDOWS-1252" : "ISO-8859-1";
}

bool is_wide(std::string_view encoding) { return encoding.starts_with("UTF-16") || encoding.starts_with("UTF-32"); }

std::unique_ptr<ByteStream> as_utf8(std::unique_ptr<ByteStream> from, const std::string& encoding) {
  return std::make_unique<ConvertedStream>(std::move(from), encoding);
}

}  // namespace pst::datafiles
