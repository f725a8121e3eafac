// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cctype>
#include <string>
#include <vector>

namespace pst::cluster {

/// What sbatch makes of the text after "#SBATCH": its own quoting rules, as measured with Slurm 22.05.
inline std::vector<std::string> words_of_sbatch(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool escaped = false, started = false;
  for (const char c : text) {
    if (escaped)
      word += c, escaped = false;
    else if (c == '\\')
      escaped = started = true;
    else if (quote && c == quote)
      quote = 0;
    else if (quote)
      word += c;
    else if (c == '"' || c == '\'')
      quote = c, started = true;
    else if (c == '#')
      break;
    else if (std::isspace(static_cast<unsigned char>(c))) {
      if (started || !word.empty()) words.push_back(word);
      word.clear();
      started = false;
    } else
      word += c;
  }
  if (started || !word.empty()) words.push_back(word);
  return words;
}

}  // namespace pst::cluster
