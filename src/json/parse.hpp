// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

/// Files that others wrote, read strictly: what is odd is an error that says where, never a guess.
namespace pst::json {

using Value = nlohmann::json;            ///< finds a member by name
using Ordered = nlohmann::ordered_json;  ///< keeps members in the text's order; finds one by walking

/// How much a text may ask for: the bounds hold before the memory is spent.
struct Limits {
  std::size_t levels = 64;  ///< of objects and lists inside one another
  std::size_t members =
      1u << 20;  ///< of one object; of an Ordered at most 4096, since each is compared with all before
  std::size_t bytes = 256u << 20;  ///< of memory for the value, which may be fifty times those of its text
  bool nul_in_strings = true;      ///< whether a string may hold the character \u0000
  bool long_integers = false;      ///< keep integers beyond 64 bits (see long_integer()); else they become real numbers
};

/// Why a text was not taken.
struct Flaw {
  std::size_t offset;  ///< of the byte where it shows
  std::string reason;
  bool syntax;  ///< not JSON at all; else JSON beyond the limits or with a key twice in one object
};

/// Reads one value that fills the whole of `text`. The only parser of JSON for files, lines and answers of programs.
/// `into` is unspecified when there is a flaw.
template <class Json>
std::optional<Flaw> read(std::string_view text, Json& into, const Limits& limits = {});
extern template std::optional<Flaw> read(std::string_view, Value&, const Limits&);
extern template std::optional<Flaw> read(std::string_view, Ordered&, const Limits&);

/// The digits (and sign) of an integer that does not fit 64 bits, where Limits::long_integers kept it. The library has
/// no type for it: it is held as binary data, which no JSON text has.
std::optional<std::string> long_integer(const Ordered& value);

/// read() for callers that cannot go on without. @param name the file, for messages
/// @throws Error(data) "<name>:<line>:<column>: not valid JSON: ..."
Value parse(std::string_view text, const std::string& name, const std::string& remedy = {}, const Limits& limits = {});

Ordered parse_ordered(std::string_view text, const std::string& name, const std::string& remedy = {},
                      const Limits& limits = {});

/// Line and column of byte `offset` of `text`, both from 1: "12:5".
std::string line_and_column(std::string_view text, std::size_t offset);

}  // namespace pst::json
