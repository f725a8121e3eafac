// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include "cli/verb.hpp"
#include "console/text_table.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/job_script_for.hpp"
#include "site/load_profile.hpp"

namespace pst::cli {
namespace {

int list_sites() {
  const auto folders = runs::site_folders();
  std::vector<std::vector<std::string>> table = {{"SITE", "WHAT", "TESTED", "FILE"}};
  for (const auto& entry : site::list(folders)) {
    try {
      const site::Site site = site::load(entry.file, folders);
      table.push_back({entry.name, site.title, name_of(site.tested), entry.file.string()});
    } catch (const Error&) {
      table.push_back(
          {entry.name, "(has mistakes: peft-studio site check " + entry.name + ")", "-", entry.file.string()});
    }
  }
  console::print_table(std::cout, table);
  try {
    const auto chosen = site::choose("auto", site::this_host(), folders);
    std::cout << "here: " << chosen.site.name << ", because " << chosen.reason << '\n';
  } catch (const Error& error) {
    const std::string words = error.message();
    std::cout << "here: undecided, because " << words.substr(0, words.find('\n')) << '\n';
  }
  return 0;
}

}  // namespace

Runner add_site_list(CLI::App&) {
  return [] { return list_sites(); };
}

}  // namespace pst::cli
