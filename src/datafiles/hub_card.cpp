// SPDX-License-Identifier: Apache-2.0
#include "datafiles/hub_card.hpp"

#include "config/parse_yaml.hpp"
#include "core/brief.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "datafiles/split_name.hpp"

namespace pst::datafiles {
namespace {

using config::Node;

/// What stands between the two lines of dashes at the front of a page.
std::string front_matter(const std::filesystem::path& readme) {
  constexpr std::uint64_t kMost = 16u << 20;
  const std::string page = read_file(readme, kMost);
  if (!page.starts_with("---\n") && !page.starts_with("---\r\n")) return {};
  const auto begin = page.find('\n') + 1, end = page.find("\n---", begin - 1);
  // A line for the dashes, so that places are those of the page.
  return end == page.npos ? std::string() : "\n" + page.substr(begin, end - begin + 1);
}

std::string text_of(const Node* node) { return node != nullptr && node->kind == Node::Kind::scalar ? node->text : ""; }

/// Reads what a card may write as a name or as a list of names.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& readme) : readme_(readme) {}

  CardConfig config(const Node& node) {
    CardConfig config{text_of(node.find("config_name")), text_of(node.find("default")) == "true", {}};
    if (config.name.empty()) config.name = "default";
    folder_ = text_of(node.find("data_dir"));
    const Node* const files = node.find("data_files");
    if (files == nullptr) return config;
    const bool has_splits =
        files->kind == Node::Kind::list && !files->items.empty() && files->items[0].kind == Node::Kind::map;
    if (!has_splits) {
      for (const auto& pattern : patterns(*files)) add(config, split_of(pattern), pattern);
      return config;
    }
    for (const Node& item : files->items) {
      const Node* const path = item.find("path");
      const std::string split = text_of(item.find("split"));
      if (path == nullptr || split.empty()) wrong(item, "an entry of `data_files` has `split` and `path`");
      for (const auto& pattern : patterns(*path)) add(config, split, pattern);
    }
    return config;
  }
  [[noreturn]] void wrong(const Node& node, const std::string& what) const {
    throw Error(Fault::data, cat(readme_.string(), ":", node.mark.line, ": ", what),
                "correct the card, or name the files themselves");
  }

 private:
  std::vector<std::string> patterns(const Node& node) const {
    std::vector<std::string> all;
    if (node.kind == Node::Kind::scalar) all.push_back(node.text);
    for (const Node& item : node.items) {
      if (item.kind != Node::Kind::scalar) wrong(item, "a file of a split is a name or a pattern");
      all.push_back(item.text);
    }
    if (all.empty()) wrong(node, "a split has no files");
    for (auto& pattern : all) {
      const std::filesystem::path path(pattern);
      bool leaves = path.is_absolute() || pattern.find("://") != pattern.npos;
      for (const auto& part : path) leaves = leaves || part == "..";
      if (leaves) wrong(node, cat(quoted(pattern, 100), " is outside of the folder"));
      if (!folder_.empty()) pattern = cat(folder_, "/", pattern);
    }
    return all;
  }
  static void add(CardConfig& config, std::string split, const std::string& pattern) {
    if (split.empty()) split = "train";
    for (auto& known : config.splits)
      if (known.name == split) return known.patterns.push_back(pattern);
    config.splits.push_back({split, {pattern}});
  }

  std::filesystem::path readme_;
  std::string folder_;
};

}  // namespace

std::vector<CardConfig> read_card(const std::filesystem::path& readme) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(readme, ignored)) return {};
  const std::string yaml = front_matter(readme);
  if (yaml.empty()) return {};
  config::Problems problems;
  const Node document = config::parse_yaml(yaml, readme.string(), problems);
  const Node* const configs = document.find("configs");
  if (configs == nullptr) return {};  // what else a card says, and how, is no matter of ours
  problems.throw_if_any(Fault::data);
  Reader reader(readme);
  std::vector<CardConfig> all;
  if (configs->kind != Node::Kind::list) reader.wrong(*configs, "`configs` is a list");
  for (const Node& item : configs->items)
    if (auto config = reader.config(item); !config.splits.empty()) all.push_back(std::move(config));
  return all;
}

const CardConfig& chosen_config(const std::vector<CardConfig>& configs, const std::string& wanted,
                                const std::string& folder) {
  std::vector<std::string> names;
  for (const CardConfig& config : configs) {
    if (wanted.empty() ? config.is_default : config.name == wanted) return config;
    names.push_back(config.name);
  }
  if (wanted.empty()) {
    for (const CardConfig& config : configs)
      if (config.name == "default") return config;
    if (configs.size() == 1) return configs.front();
  }
  const std::string shown = brief(join(names, ", "), 1000);
  throw Error(Fault::data,
              wanted.empty() ? cat(folder, " has several subsets and none is its default: ", shown)
                             : cat(folder, " has no subset ", quoted(wanted, 60), "; it has ", shown),
              "name one with `subset`");
}

}  // namespace pst::datafiles
