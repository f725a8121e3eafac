#pragma once
#include "config/constraint.hpp"

namespace pst::recipe {

/// A file or folder: not empty, no `~`, which only a shell expands.
config::Constraint path();
/// One argument of a directive: no blanks, quotes, backslashes, dollars or hashes.
config::Constraint directive_word();

}  // namespace pst::recipe
