// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace pst::config {
class Fields;
}

namespace pst::recipe {

/// Which steps are traced, and on which ranks. The command line's `--profile` writes these keys.
struct Profile {
  std::optional<std::int64_t> first_step;  ///< null: none
  std::optional<std::int64_t> last_step;   ///< null: the first alone
  std::vector<std::int64_t> ranks;         ///< empty: all
};

void bind(config::Fields& field, Profile& s);

}  // namespace pst::recipe
