// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "datarules/record_view.hpp"

namespace pst::datarules {

/// A record as duplicates are looked for.
struct Compared {
  std::string prompt, answer;  ///< canonical(); a plain text is a prompt without an answer
};
Compared compared(const RecordView& record);

}  // namespace pst::datarules
