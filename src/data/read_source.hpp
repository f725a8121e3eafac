// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/problems.hpp"
#include "data/example.hpp"
#include "datafiles/column_map.hpp"
#include "datafiles/data_file.hpp"
#include "recipe/data.hpp"

namespace pst::data {

/// A data file, mapped once, so that what is digested is what is read.
struct SourceFile {
  std::string path;
  datafiles::DataFile file;
  datafiles::Columns columns;                                 ///< how its records become those of the format
  recipe::DataFormat format = recipe::DataFormat::automatic;  ///< resolved, never automatic
  std::string reason;  ///< why this format: "given", "the extension .txt" ...; and how the file is written

  config::Mark at_line(int place) const { return file.at(place); }
};

/// Opens the files of a source and finds their format: by the extension (.yml, .yaml: chatterbot; .txt: text), else by
/// the first record that shows one. @param usual_split  what is taken of a folder with several splits
/// @throws Error(data) when one is missing, empty, or of no known format
std::vector<SourceFile> open_sources(const recipe::Source& source, const std::string& usual_split);
/// The same of what is one file. @throws Error(data) also where it is several
SourceFile open_source(const recipe::Source& source);

/// The recipe's own paths were compared when it was read; folders and patterns show their files only now.
/// @throws Error(data) when a file is there twice
void refuse_repeats(const std::vector<SourceFile>& train, const std::vector<SourceFile>& validation);

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
