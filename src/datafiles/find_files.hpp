// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace pst::datafiles {

/// What is asked for: a file, a folder, or a pattern with * ? [...] and ** (any folders).
struct Wanted {
  std::string path;
  std::string split;        ///< "train", "test" ... of a folder that has several; empty: the usual one
  std::string usual_split;  ///< "train" or "validation"
  std::string subset;       ///< a configuration of a hub's folder; empty: its default
};

struct Found {
  std::vector<std::string> files;  ///< sorted by name
  std::string told;                ///< where they come from: "split train of the folder"; empty for a file
};

/// @throws Error(data) when nothing is there, or it does not say which files are meant
Found find_files(const Wanted& wanted);

/// The files that a pattern names, sorted. A dot at the front of a name is matched by a dot only.
std::vector<std::string> matches(const std::string& pattern);

}  // namespace pst::datafiles
