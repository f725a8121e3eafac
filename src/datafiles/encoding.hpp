// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "datafiles/byte_stream.hpp"

namespace pst::datafiles {

/// The encoding that the first bytes of a text show, as iconv calls it: by a mark, by how a JSON text begins in it, or
/// by bytes that are no UTF-8. Empty for UTF-8, ASCII and what is no text.
std::string encoding_of(std::string_view front);

/// Whether `encoding` is one with several bytes to a character and NULs among them, of which no byte reads as ASCII.
bool is_wide(std::string_view encoding);

/// `from` as UTF-8, without a byte order mark. @param encoding  as iconv calls it
/// @throws Error(usage) when iconv does not know it; what it gives throws Error(data) where bytes are none of it
std::unique_ptr<ByteStream> as_utf8(std::unique_ptr<ByteStream> from, const std::string& encoding);

}  // namespace pst::datafiles
