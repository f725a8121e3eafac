// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/constraint.hpp"

/// How Slurm and a shell write times, sizes and names: for recipes and for site profiles.
namespace pst::config {

bool is_slurm_time(std::string_view text);  ///< "90", "90:00", "01:30:00", "2-12", "2-12:30", "2-12:30:00", "UNLIMITED"
std::optional<std::int64_t> slurm_seconds(std::string_view text);    ///< of such a text; nothing for UNLIMITED
std::string slurm_time(std::int64_t seconds);                        ///< "02:00:00", "2-12:00:00"
bool is_slurm_memory(std::string_view text);                         ///< "16000", "16G"
std::optional<std::int64_t> slurm_megabytes(std::string_view text);  ///< of such a text
bool is_variable_name(std::string_view text);                        ///< of the environment

/// One argument of a directive: no blanks, quotes, backslashes, dollars or hashes.
Constraint directive_word();

}  // namespace pst::config
