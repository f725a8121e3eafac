// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "cli/verb.hpp"

namespace pst::cli {

/// One command of peft-studio. `add` declares its options on `app` and returns what it does.
struct Verb {
  const char* path;  ///< what is typed: "submit", or "checkpoint list" for a verb of a group
  const char* help;  ///< one line
  Runner (*add)(CLI::App& app);
};

/// A word that only takes verbs: `checkpoint` of `checkpoint list`.
struct Group {
  const char* name;
  const char* help;
};

/// Commands that stand together in --help. A group stands where its first verb does.
struct Section {
  const char* heading;
  std::vector<Verb> verbs;
};

inline constexpr const char* kHidden = "";  ///< heading of what our own programs start: not in --help

/// Every command, in the order of --help.
const std::vector<Section>& sections();
const std::vector<Group>& groups();

}  // namespace pst::cli
