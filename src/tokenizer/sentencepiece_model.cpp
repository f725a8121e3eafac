// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sentencepiece_model.hpp"

#include <bit>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "tokenizer/token_id.hpp"

namespace pst::tokenizer {
namespace {

/// One message of a protobuf, field by field. @see https://protobuf.dev/programming-guides/encoding/
class Message {
 public:
  Message(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  /// @return false at the end
  bool next() {
    if (at_ == bytes_.size()) return false;
    const std::uint64_t key = varint();
    field = key >> 3;
    switch (key & 7) {
      case 0: number = varint(); return true;
      case 1: text = take(8); return true;
      case 2: text = take(varint()); return true;
      case 5: {
        text = take(4);
        number = 0;
        for (std::size_t i = 4; i-- > 0;) number = number << 8 | static_cast<unsigned char>(text[i]);
        return true;
      }
      default: refuse(cat("field ", field, " is of wire type ", key & 7));
    }
  }

  std::uint64_t field = 0, number = 0;
  std::string_view text;

  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(Fault::data, cat(name_, ": it is no SentencePiece model: ", reason, " at byte ", at_, " of a message"),
                "fetch the file again; it may be truncated");
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) refuse("a number is cut off");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    refuse("a number has no end");
  }
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) refuse(cat("a field of ", size, " bytes is cut off"));
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }

  std::string_view bytes_;
  const std::string& name_;
  std::size_t at_ = 0;
};

SentencePieceModel::Piece read_piece(Message message) {
  SentencePieceModel::Piece piece;
  while (message.next()) {
    if (message.field == 1) piece.text = message.text;
    if (message.field == 2) piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(message.number));
    if (message.field == 3) {
      if (message.number < 1 || message.number > 6) message.refuse(cat("a piece is of type ", message.number));
      piece.type = static_cast<SentencePieceModel::Type>(message.number);
    }
  }
  if (piece.text.empty() || !is_utf8(piece.text)) message.refuse("a piece is empty or not UTF-8");
  return piece;
}

void read_trainer(Message message, SentencePieceModel& model) {
  const auto id = [&] { return static_cast<std::int64_t>(static_cast<std::int32_t>(message.number)); };
  while (message.next()) {
    switch (message.field) {
      case 3:
        if (message.number < 1 || message.number > 4) message.refuse(cat("the model type is ", message.number));
        model.kind = static_cast<SentencePieceModel::Kind>(message.number);
        break;
      case 24: model.whitespace_as_suffix = message.number != 0; break;
      case 35: model.byte_fallback = message.number != 0; break;
      case 40: model.unk_id = id(); break;
      case 41: model.bos_id = id(); break;
      case 42: model.eos_id = id(); break;
      default: break;
    }
  }
}

void read_normalizer(Message message, SentencePieceModel& model) {
  while (message.next()) {
    switch (message.field) {
      case 2: model.charsmap = message.text; break;
      case 3: model.add_dummy_prefix = message.number != 0; break;
      case 4: model.remove_extra_whitespaces = message.number != 0; break;
      case 5: model.escape_whitespaces = message.number != 0; break;
      default: break;
    }
  }
}

}  // namespace

SentencePieceModel SentencePieceModel::parse(std::string_view bytes, const std::string& name) {
  SentencePieceModel model;
  Message message(bytes, name);
  while (message.next()) {
    if (message.field == 1) model.pieces.push_back(read_piece({message.text, name}));
    if (message.field == 2) read_trainer({message.text, name}, model);
    if (message.field == 3) read_normalizer({message.text, name}, model);
  }
  if (model.pieces.empty()) message.refuse("it has no pieces");
  if (model.pieces.size() > kLargestId) message.refuse(cat("it has ", model.pieces.size(), " pieces"));
  const auto size = static_cast<std::int64_t>(model.pieces.size());
  if (model.unk_id >= size || model.bos_id >= size || model.eos_id >= size) message.refuse("a special id is no piece");
  return model;
}

}  // namespace pst::tokenizer
