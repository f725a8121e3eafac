// SPDX-License-Identifier: Apache-2.0
#include "core/digest.hpp"

#include <gmock/gmock.h>

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
