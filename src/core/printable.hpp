// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace pst {

/// One line as a terminal may get it. A file's name, a model's answer, a template's message may hold what a terminal
/// obeys: control characters (those of C1 too, U+0080 to U+009F) and bytes that are no UTF-8 become '?', a tab a blank,
/// and carriage returns go.
std::string printable(std::string_view line);

/// JSON text without DEL and C1, which its strings may hold: written as \u00NN, so that the values are the same.
std::string printable_json(std::string_view text);

/// What printable() does, for whole texts on their way to `target`: newlines and tabs stay, and a character may arrive
/// in pieces.
class PrintableBuffer final : public std::streambuf {
 public:
  explicit PrintableBuffer(std::streambuf& target) : target_(target) {}
  ~PrintableBuffer() override;

  /// Writes `sequence` as it is: for what this program itself tells the terminal.
  void put_control(std::string_view sequence);

 private:
  int_type overflow(int_type next) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;
  bool put(std::string_view text);
  bool put_rest();

  std::streambuf& target_;
  std::string begun_;  ///< the first bytes of a character
};

/// A sequence for the terminal itself, past the PrintableBuffer of `out` where it has one.
void put_control(std::ostream& out, std::string_view sequence);

}  // namespace pst
