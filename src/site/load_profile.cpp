// SPDX-License-Identifier: Apache-2.0
#include "site/load_profile.hpp"

#include <algorithm>
#include <optional>

#include "config/parse_yaml.hpp"
#include "config/print.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/trust.hpp"

namespace pst::site {
namespace {

using config::Node;

/// A profile says what a job runs: set-up lines, modules, launcher, container.
void refuse_what_others_write(const fs::path& file) {
  if (const auto why = others_may_write(file))
    throw Error(Fault::usage, cat("the site profile ", file.string(), " is not believed: ", *why),
                cat("chmod go-w ", shell_quoted(file.string()), "   by its owner, or a copy of your own"));
}

Node read_document(const fs::path& file, config::Problems& problems) {
  refuse_what_others_write(file);
  constexpr std::uint64_t kMost = 4u << 20;  // the parser refuses at 1 MiB, with a place
  return config::parse_yaml(read_file(file, kMost), file.string(), problems);
}

const std::string* text_at(const Node& document, const char* key) {
  const Node* const node = document.find(key);
  return node != nullptr && node->kind == Node::Kind::scalar ? &node->text : nullptr;
}

/// What says who a profile is, and holds for no other.
bool is_own(const std::string& key) {
  return key == "name" || key == "title" || key == "inherits" || key == "sources" || key == "tested" || key == "match";
}

/// `child` over `parent`: sections are merged, everything else is replaced. Each value keeps the place it is from.
void inherit(Node& child, const Node& parent) {
  for (const auto& entry : parent.entries) {
    const auto own = std::find_if(child.entries.begin(), child.entries.end(),
                                  [&](const Node::Entry& candidate) { return candidate.key == entry.key; });
    if (own == child.entries.end())
      child.entries.push_back(entry);
    else if (own->value.kind == Node::Kind::map && entry.value.kind == Node::Kind::map)
      inherit(own->value, entry.value);
  }
}

/// A chain of profiles, from the child to its farthest parent.
class Chain {
 public:
  Chain(const std::vector<fs::path>& folders, config::Problems& problems) : folders_(folders), problems_(problems) {}

  Node read(const fs::path& file) {
    files_.push_back(fs::weakly_canonical(file));
    Node document = read_document(file, problems_);
    if (document.kind == Node::Kind::null) document = Node::map();
    const std::string* const parent_name = text_at(document, "inherits");
    if (document.kind != Node::Kind::map || parent_name == nullptr) return document;
    const auto parent_file = parent_of(file, document, *parent_name);
    if (!parent_file) return document;
    Node parent = read(*parent_file);
    if (parent.kind != Node::Kind::map) return document;
    std::erase_if(parent.entries, [](const Node::Entry& entry) { return is_own(entry.key); });
    inherit(document, parent);
    return document;
  }

 private:
  std::optional<fs::path> parent_of(const fs::path& file, const Node& document, const std::string& name) {
    const config::Mark& where = document.find("inherits")->mark;
    if (name.find('/') != std::string::npos) return std::nullopt;  // no name: reading says so
    const bool own_name = file.stem() == name;
    std::vector<fs::path> tried = {file.parent_path()};
    for (const auto& folder : folders_)
      if (fs::weakly_canonical(folder) != fs::weakly_canonical(tried.front())) tried.push_back(folder);
    for (const auto& folder : tried) {
      const fs::path candidate = folder / (name + ".yaml");
      std::error_code ignored;
      if (!fs::is_regular_file(candidate, ignored)) continue;
      const bool is_in_chain = std::find(files_.begin(), files_.end(), fs::weakly_canonical(candidate)) != files_.end();
      if (is_in_chain && own_name) continue;  // a profile that changes the one of the same name
      if (is_in_chain) {
        problems_.add(where, cat("inherits is ", name, ", which inherits from this profile: a circle"));
        return std::nullopt;
      }
      return candidate;
    }
    std::vector<std::string> names;
    for (const auto& folder : tried) names.push_back(folder.empty() ? "." : folder.string());
    problems_.add(where, cat("inherits is ", quoted(name), ", and there is no ", own_name ? "further " : "",
                             name.size() > 64 ? "such file" : name + ".yaml", " in ", join(names, ", ")));
    return std::nullopt;
  }

  const std::vector<fs::path>& folders_;
  config::Problems& problems_;
  std::vector<fs::path> files_;
};

Site from_document(const Node& document, const std::optional<std::string>& file_name, config::Problems& problems) {
  Site site;
  const config::Places places = config::read(document, site, problems);
  check_together(site, places, problems);
  if (file_name && places.has("name") && !places.is_wrong("name") && site.name != *file_name)
    problems.add(places.of("name"), cat("name is ", site.name, ", and the file is ", *file_name,
                                        ".yaml: a profile is found by its file; rename one of the two"));
  problems.throw_if_any();
  return site;
}

void need_file(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored))
    throw Error(Fault::usage, cat("there is no site profile ", quoted(file.string())),
                "peft-studio site list names those that are found by name");
}

}  // namespace

Site load(const fs::path& file, const std::vector<fs::path>& folders) {
  need_file(file);
  config::Problems problems;
  const Node document = Chain(folders, problems).read(file);
  Site site = from_document(document, file.stem().string(), problems);
  site.inherits.reset();  // it has become part of this one
  return site;
}

Site load_effective(const fs::path& file) {
  need_file(file);
  if (const auto why = not_ours(file))
    throw Error(Fault::usage, cat("the run's site profile ", file.string(), " is not believed: ", *why),
                cat("resume a run as its owner; where others may write it, look what is in it, then: chmod -R go-w ",
                    shell_quoted(file.parent_path().string())));
  config::Problems problems;
  return from_document(read_document(file, problems), std::nullopt, problems);
}

Site parse(std::string_view yaml, const std::string& name) {
  config::Problems problems;
  return from_document(config::parse_yaml(yaml, name, problems), std::nullopt, problems);
}

std::string to_yaml(const Site& site) { return config::print(site); }

}  // namespace pst::site
