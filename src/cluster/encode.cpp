#include "cluster/encode.hpp"

#include <algorithm>
#include <cctype>

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
    throw Error(Fault::usage, cat(what, " has ", value.size(), " bytes; a job script takes at most ", kMaxDirective));
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

}  // namespace pst::cluster
