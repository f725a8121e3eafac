// SPDX-License-Identifier: Apache-2.0
#include "cluster/encode.hpp"

#include <algorithm>
#include <cctype>

#include "config/slurm_words.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

constexpr std::size_t kMaxDirective = 1024;

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_-./:,=+@%[]").find(c) != std::string_view::npos;
}

}  // namespace

std::string directive_value(std::string_view what, std::string_view value) {
  if (value.empty()) throw Error(Fault::usage, cat(what, " is empty"), "give it a value, or leave it out");
  if (value.size() > kMaxDirective)
    throw Error(Fault::usage, cat(what, " has ", value.size(), " bytes; a job script takes at most ", kMaxDirective),
                "shorten it");
  const auto bad = std::find_if(value.begin(), value.end(), [](char c) { return c < 0x20 || c > 0x7e; });
  if (bad != value.end())
    throw Error(Fault::usage, cat(what, " is ", quoted(value), ", which cannot be written into a job script"),
                "use printable ASCII characters only");
  if (std::all_of(value.begin(), value.end(), is_plain)) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string slurm_pattern(std::string_view what, const std::filesystem::path& path, std::string_view pattern) {
  std::string out;
  for (const char c : path.string()) {
    if (c == '\\')
      throw Error(Fault::usage,
                  cat(what, " is ", quoted(path.string()), "; Slurm gives a backslash in a path another meaning"),
                  "use a folder without one");
    out += c;
    if (c == '%') out += '%';
  }
  return out.append(pattern);
}

std::string directive_path(std::string_view what, const std::filesystem::path& path, std::string_view pattern) {
  return directive_value(what, slurm_pattern(what, path, pattern));
}

std::string shell_word(std::string_view what, std::string_view value) {
  if (find_control(value))
    throw Error(Fault::usage, cat(what, " is ", quoted(value), ", which holds a control character"),
                "use a value without one");
  std::string out = "'";
  for (const char c : value) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string directive_option(std::string_view what, std::string_view option) {
  const auto equals = option.find('=');
  const auto name = option.substr(0, equals);
  const bool good =
      name.size() > 2 && name.starts_with("--") && std::isalpha(static_cast<unsigned char>(name[2])) &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x7f && (std::isalnum(c) || c == '-'); });
  if (!good) throw Error(Fault::usage, cat(what, " is ", quoted(option), ", which is no option"), "write --name=value");
  if (equals == std::string_view::npos) return std::string(name);
  return std::string(name) + "=" + directive_value(what, option.substr(equals + 1));
}

std::string shell_path(std::string_view what, std::string_view value) {
  const auto plain = [](char c) {
    return c != '\0' &&
           (std::isalnum(static_cast<unsigned char>(c)) || std::string_view("._-/").find(c) != std::string_view::npos);
  };
  bool good = !value.empty();
  for (std::size_t i = 0; good && i < value.size(); ++i) {
    if (value[i] != '$') {
      good = static_cast<unsigned char>(value[i]) < 0x7f && plain(value[i]);
      continue;
    }
    auto end = i + 1;
    while (end < value.size() && config::is_variable_name(value.substr(i + 1, end - i))) ++end;
    good = end > i + 1;
    i = end - 1;
  }
  if (!good)
    throw Error(Fault::usage, cat(what, " is ", quoted(value), ", which is no plain path"),
                "use letters, digits, '.', '_', '-', '/' and variables such as $USER");
  return cat("\"", value, "\"");
}

}  // namespace pst::cluster
