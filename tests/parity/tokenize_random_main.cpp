// SPDX-License-Identifier: Apache-2.0
// tokenize-random MODEL_DIR STRINGS [SEED]
// Encodes random byte strings, up to 4 KiB each, of eight kinds: any bytes, which have to be refused where they are no
// UTF-8; characters of all of Unicode; ASCII; white space; one character many times; two in turn; letters without a
// blank; pieces of the vocabulary. Pieces have to be in order and within the text. Then the time per byte of texts of
// 4 KiB to 1 MiB of each kind. Prints a line for each kind; exits 1 where a piece is wrong, or where a text
// of 1 MiB takes more than four times as long for a byte as the slowest of the shorter ones.
#include <algorithm>
#include <array>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <random>
#include <string>

#include "core/error.hpp"
#include "tokenizer/tokenizer.hpp"

namespace {

using pst::tokenizer::Piece;
using pst::tokenizer::Tokenizer;
using Random = std::mt19937_64;

constexpr std::array kKinds = {"bytes",         "unicode",        "ascii",   "white space",
                               "one character", "two characters", "letters", "tokens"};

void put(std::string& text, std::uint32_t c) {
  if (c >= 0xd800 && c < 0xe000) c = 0xfffd;
  const auto byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f));
  } else {
    byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f));
  }
  byte(0x80 | (c & 0x3f));
}

/// Half of the time of the first planes' lower parts, where scripts are.
std::uint32_t any_character(Random& random) {
  const auto value = random();
  return static_cast<std::uint32_t>(value % 2 == 0 ? (value >> 8) % 0x3000 : (value >> 8) % 0x110000);
}

std::string make(std::size_t kind, std::size_t size, Random& random, const Tokenizer& tokenizer) {
  constexpr std::array<std::uint32_t, 10> kBlanks = {' ', ' ', ' ', '\n', '\t', '\r', 0x85, 0xa0, 0x2028, 0x3000};
  const std::array<std::uint32_t, 2> few = {any_character(random), any_character(random)};
  std::string text;
  text.reserve(size + 64);
  while (text.size() < size) {
    const auto value = random();
    switch (kind) {
      case 0: text += static_cast<char>(value); break;
      case 1: put(text, any_character(random)); break;
      case 2: put(text, static_cast<std::uint32_t>(value % 0x80)); break;
      case 3: put(text, kBlanks[value % kBlanks.size()]); break;
      case 4: put(text, few[0]); break;
      case 5: put(text, few[value % 2]); break;
      case 6: put(text, static_cast<std::uint32_t>('a' + value % 26)); break;
      default: {
        const auto id = static_cast<std::int32_t>(value % static_cast<std::uint64_t>(tokenizer.vocabulary_size()));
        if (tokenizer.has(id)) text += tokenizer.decode({&id, 1});
        text += value % 3 == 0 ? " " : "";
      }
    }
  }
  return text;
}

bool in_order(const std::vector<Piece>& pieces, const std::string& text) {
  std::size_t begin = 0;
  for (const Piece& piece : pieces) {
    if (piece.begin < begin || piece.end < piece.begin || piece.end > text.size()) return false;
    begin = piece.begin;
  }
  return true;
}

double now_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// ns for a byte, the best of three.
double time_of(const Tokenizer& tokenizer, const std::string& text) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double start = now_s();
    tokenizer.encode(text);
    best = std::min(best, now_s() - start);
  }
  return best * 1e9 / static_cast<double>(text.size());
}

int check(const Tokenizer& tokenizer, int strings, std::uint64_t seed) {
  Random random(seed);
  int wrong = 0, refused = 0;
  std::size_t bytes = 0;
  const double start = now_s();
  for (int i = 0; i < strings; ++i) {
    const std::string text = make(static_cast<std::size_t>(i) % kKinds.size(), random() % 4096, random, tokenizer);
    bytes += text.size();
    try {
      if (in_order(tokenizer.encode_pieces(text), text)) continue;
      ++wrong;
      std::cout << "WRONG PIECES in string " << i << '\n';
    } catch (const pst::Error& error) {
      ++refused;
      if (i % static_cast<int>(kKinds.size()) == 0) continue;  // any bytes
      ++wrong;
      std::cout << "REFUSED string " << i << ": " << error.what() << '\n';
    }
  }
  std::cout << strings << " strings, " << bytes << " bytes, " << refused << " refused (no UTF-8), " << wrong
            << " wrong, " << std::setprecision(3) << (now_s() - start) * 1e9 / static_cast<double>(bytes)
            << " ns a byte\n";
  for (std::size_t kind = 1; kind < kKinds.size(); ++kind) {
    std::cout << "  " << std::setw(15) << std::left << kKinds[kind];
    double shorter = 0, last = 0;
    for (const std::size_t size : {std::size_t{1} << 12, std::size_t{1} << 16, std::size_t{1} << 20}) {
      last = time_of(tokenizer, make(kind, size, random, tokenizer));
      std::cout << "  " << (size >> 10) << " KiB: " << last << " ns";
      if (size < std::size_t{1} << 20) shorter = std::max(shorter, last);
    }
    const bool grows = last > 4 * shorter && last > 50;  // below that a clock's tick counts
    std::cout << (grows ? "  GROWS\n" : "\n");
    wrong += grows ? 1 : 0;
  }
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::cerr << "usage: tokenize-random MODEL_DIR STRINGS [SEED]\n";
    return 64;
  }
  try {
    return check(Tokenizer::load(argv[1]), std::stoi(argv[2]), argc == 4 ? std::stoull(argv[3]) : 1);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 65;
  }
}
