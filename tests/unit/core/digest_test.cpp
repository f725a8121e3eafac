// SPDX-License-Identifier: Apache-2.0
#include "core/digest.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "core/file.hpp"
#include "support/temporary_directory.hpp"

namespace pst {
namespace {

TEST(Digest, MatchesXxh3OfTheEmptyString) { EXPECT_EQ(digest(""), "99aa06d3014798d86001c324468d497f"); }

TEST(Digest, PiecesEqualTheWhole) {
  Digester pieces;
  const std::string text = "frozen base, small adapter";
  pieces.add(std::as_bytes(std::span(std::string_view(text).substr(0, 7))));
  pieces.add(std::as_bytes(std::span(std::string_view(text).substr(7))));
  EXPECT_EQ(pieces.hex(), digest(text));
}

TEST(Digest, AFileHasTheDigestOfItsContent) {
  const fixture::TemporaryDirectory dir;
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{16} << 20, (std::size_t{35} << 20) + 5}) {
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * i >> 7);
    write_durably(dir / "file", content);
    EXPECT_EQ(digest_of_file(dir / "file"), digest(content)) << size << " bytes";
  }
  EXPECT_THROW(digest_of_file(dir / "another"), Error);
}

TEST(Digest, FieldsKeepTheirBorders) {
  Digester a, b;
  a.add_field("ab");
  a.add_field("c");
  b.add_field("a");
  b.add_field("bc");
  EXPECT_NE(a.hex(), b.hex());
}

}  // namespace
}  // namespace pst
