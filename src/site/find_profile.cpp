// SPDX-License-Identifier: Apache-2.0
#include "site/find_profile.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "site/load_profile.hpp"
#include "site/profile_text_checks.hpp"

namespace pst::site {
namespace {

void add_if_there(std::vector<fs::path>& all, const fs::path& folder) {
  std::error_code ignored;
  if (!folder.is_absolute() || !fs::is_directory(folder, ignored)) return;
  const fs::path canonical = fs::weakly_canonical(folder);
  if (std::find(all.begin(), all.end(), canonical) == all.end()) all.push_back(canonical);
}

std::string names_of(const std::vector<Entry>& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  return names.empty() ? "none" : join(names, ", ");
}

/// What of `match` fits, in words; nothing when none of it does.
std::optional<std::string> fit(const Match& match, const Host& host) {
  for (const auto& expression : match.host)
    if (is_found(expression, host.name)) return cat("its match.host fits ", quoted(host.name));
  for (const auto& [name, expression] : match.environment)
    if (const auto value = host.variable(name); value && is_found(expression, *value))
      return cat("its match.environment fits ", name, "=", quoted(*value, 60));
  return std::nullopt;
}

Choice named(const std::string& wanted, const std::vector<fs::path>& folders) {
  if (wanted.find('/') != std::string::npos || wanted.ends_with(".yaml"))
    return {load(wanted, folders), wanted, "the file was named"};
  const auto entries = list(folders);
  for (const auto& entry : entries)
    if (entry.name == wanted) return {load(entry.file, folders), entry.file, "it was named"};
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  const auto close = nearest(wanted, names);
  throw Error(Fault::usage, cat("there is no site profile ", quoted(wanted, 80), "; there are: ", names_of(entries)),
              close ? cat("did you mean ", *close, "?") : "write one (docs/sites.md), or set slurm.site: auto");
}

}  // namespace

Host this_host() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) name[0] = '\0';
  return {.name = name, .variable = [](const std::string& variable) -> std::optional<std::string> {
            const char* const value = std::getenv(variable.c_str());
            return value ? std::optional<std::string>(value) : std::nullopt;
          }};
}

std::vector<fs::path> folders(const Host& host, const fs::path& program) {
  std::vector<fs::path> all;
  for (const auto& folder : split(host.variable("PST_SITES").value_or(""), ':'))
    if (!folder.empty()) add_if_there(all, fs::absolute(folder));
  if (const auto config = host.variable("XDG_CONFIG_HOME"); config && !config->empty())
    add_if_there(all, fs::path(*config) / "peft-studio/sites");
  else if (const auto home = host.variable("HOME"); home && !home->empty())
    add_if_there(all, fs::path(*home) / ".config/peft-studio/sites");
  const fs::path prefix = program.parent_path().parent_path();
  add_if_there(all, prefix / "etc/peft-studio/sites");
  add_if_there(all, "/etc/peft-studio/sites");
  add_if_there(all, prefix / "share/peft-studio/sites");
  return all;
}

std::vector<Entry> list(const std::vector<fs::path>& folders) {
  std::vector<Entry> all;
  for (const auto& folder : folders) {
    std::error_code ignored;
    for (const auto& file : fs::directory_iterator(folder, ignored)) {
      if (file.path().extension() != ".yaml") continue;
      const std::string name = file.path().stem().string();
      const bool is_hidden =
          std::any_of(all.begin(), all.end(), [&](const Entry& entry) { return entry.name == name; });
      if (!is_hidden) all.push_back({name, file.path()});
    }
  }
  std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return all;
}

Choice choose(const std::string& wanted, const Host& host, const std::vector<fs::path>& folders) {
  if (wanted != "auto") return named(wanted, folders);
  std::vector<Choice> fitting;
  std::optional<Choice> generic;
  for (const auto& entry : list(folders)) {
    Choice choice = {load(entry.file, folders), entry.file, ""};
    if (const auto why = fit(choice.site.match, host)) {
      choice.reason = *why;
      fitting.push_back(std::move(choice));
    } else if (entry.name == "generic") {
      generic = std::move(choice);
    }
  }
  if (fitting.size() > 1) {
    std::vector<std::string> words;
    for (const auto& choice : fitting) words.push_back(cat(choice.site.name, " (", choice.reason, ")"));
    throw Error(Fault::usage, cat(fitting.size(), " site profiles fit this host: ", join(words, ", ")),
                "name one of them: slurm.site in the recipe, or --set slurm.site=NAME");
  }
  if (!fitting.empty()) return std::move(fitting.front());
  if (!generic) generic = Choice{};
  generic->reason = cat("no profile fits this host, ", quoted(host.name));
  return *generic;
}

}  // namespace pst::site
