// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "config/problems.hpp"
#include "core/file.hpp"
#include "data/example.hpp"
#include "recipe/data.hpp"

namespace pst::data {

/// A data file, mapped once, so that what is digested is what is read.
struct SourceFile {
  std::string path;
  MappedFile file;
  recipe::DataFormat format = recipe::DataFormat::automatic;  ///< resolved, never automatic
  std::string reason;                                         ///< why this format: "given", "the extension .txt" ...

  std::string_view text() const { return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}; }
  config::Mark at_line(int line) const { return {std::make_shared<const std::string>(path), line, 0}; }
};

/// Opens a file and finds its format: by its extension (.yml, .yaml: chatterbot; .txt: text), else by the first record
/// that shows one.
/// @throws Error(data) when it is missing, empty, or of no known format
SourceFile open_source(const recipe::Source& source);

/// Takes an example; returns what is wrong with it (to be reported at its place), or nothing.
using TakeExample = std::function<std::optional<std::string>(Example&&)>;

/// Hands over the examples in the order of the file, at most `most`. Mistakes are added to `problems` with file and
/// line; after 20 of them the rest of the file is left unread.
void read_examples(const SourceFile& source, std::optional<int> most, const TakeExample& take,
                   config::Problems& problems);

/// For read_examples: the chatterbot-corpus YAML. @see chatterbot-corpus, "Corpus data format"
void read_chatterbot(const SourceFile& source, const std::function<bool(Example&&)>& take,
                     const std::function<bool(int line, const std::string& what)>& wrong);

}  // namespace pst::data
