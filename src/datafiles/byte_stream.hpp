// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace pst::datafiles {

/// Bytes that arrive one piece after another.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// The next piece, valid until the next call; empty at the end. @throws Error(data) where the bytes are damaged
  virtual std::string_view next() = 0;
  /// Whether it is known that nothing comes any more: what is at hand then need not be copied to look further.
  virtual bool is_over() const { return false; }
};

/// Bytes that are in memory already, as one piece. They outlive the stream.
class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::string_view text) : text_(text) {}
  std::string_view next() override { return std::exchange(text_, std::string_view()); }
  bool is_over() const override { return text_.empty(); }

 private:
  std::string_view text_;
};

/// The front of a stream, as far as its reader had to look. What was dropped is no longer in memory.
class Window {
 public:
  explicit Window(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}

  std::string_view front() const { return front_; }  ///< valid until grow()
  /// Brings a piece more to the end of front(). @return false at the end of the stream
  /// @throws Error(data) where the stream does: front() is then empty, and nothing comes any more
  bool grow();
  void drop(std::size_t bytes) { front_.remove_prefix(bytes); }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::string buffer_;  // where the front is put together of pieces
  std::string_view front_;
  bool failed_ = false;
};

}  // namespace pst::datafiles
