// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

/// The only ways in which a value of the user gets to Slurm: as the value of a directive, as a word of the shell,
/// or as one element of an argument vector (which needs no encoding). None lets a value become a directive or a
/// command.
namespace pst::cluster {

/// For `#SBATCH --key=<here>`: printable ASCII, in double quotes where sbatch would otherwise see a blank, a comment or
/// a quote of its own. (Measured with Slurm 22.05: it takes \" and \\ inside double quotes, expands no variable, and a
/// newline would begin a new directive.)
/// @param what  names the value in the complaint, e.g. "slurm.account"
/// @throws Error(usage) for an empty value, one over 1024 bytes, or a byte that is not printable ASCII
std::string directive_value(std::string_view what, std::string_view value);

/// A path for `#SBATCH --output=<here>`, in which Slurm replaces %j and the like: every % of `path` is doubled.
/// @param pattern  appended as it is, e.g. "/slurm-%j.log"
/// @throws Error(usage) as above, and for a backslash, which would switch the replacement off
std::string directive_path(std::string_view what, const std::filesystem::path& path, std::string_view pattern);

/// A whole option for `#SBATCH <here>`: `--name` or `--name=value`, the value as above.
/// @throws Error(usage) as above, and for what is no option
std::string directive_option(std::string_view what, std::string_view option);

/// One word of a POSIX shell, in single quotes. @throws Error(usage) for a control character
std::string shell_word(std::string_view what, std::string_view value);

/// A path that may name variables ($USER), which the shell replaces: in double quotes.
/// @throws Error(usage) for anything but letters, digits, '.', '_', '-', '/' and $NAME
std::string shell_path(std::string_view what, std::string_view value);

/// `path` followed by `pattern`, for srun's --output argument: as directive_path, without the quotes.
std::string slurm_pattern(std::string_view what, const std::filesystem::path& path, std::string_view pattern);

}  // namespace pst::cluster
