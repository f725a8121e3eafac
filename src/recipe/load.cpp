// SPDX-License-Identifier: Apache-2.0
#include "recipe/load.hpp"

#include "config/parse_yaml.hpp"
#include "config/print.hpp"
#include "config/reader.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/trust.hpp"
#include "recipe/checks.hpp"

namespace pst::recipe {
namespace {

void make_absolute(std::string& path, const fs::path& base) {
  if (!path.empty()) path = (base / path).lexically_normal().string();
}

void make_absolute(std::optional<std::string>& path, const fs::path& base) {
  if (path) make_absolute(*path, base);
}

void make_paths_absolute(Recipe& recipe, const fs::path& base) {
  if (!is_utf8(base.string()))
    throw Error(Fault::usage, cat("the folder ", quoted(base.string()), " has a name that is not UTF-8"),
                "run the command from another folder, or rename this one: a run's records are UTF-8");
  make_absolute(recipe.model.path, base);
  make_absolute(recipe.adapter.init_from, base);
  for (auto& source : recipe.data.train) make_absolute(source.path, base);
  for (auto& source : recipe.data.validation) make_absolute(source.path, base);
  make_absolute(recipe.data.chat_template, base);
  if (recipe.checkpoint.resume != "auto" && recipe.checkpoint.resume != "never")
    make_absolute(recipe.checkpoint.resume, base);
  make_absolute(recipe.slurm.secrets_file, base);
  if (recipe.slurm.site.find('/') != std::string::npos) make_absolute(recipe.slurm.site, base);  // else it is a name
  make_absolute(recipe.metrics.textfile, base);
  make_absolute(recipe.notify.secrets_file, base);
  if (auto& command = recipe.notify.command; !command.empty() && command.front().find('/') != std::string::npos)
    make_absolute(command.front(), base);  // else it is looked up on PATH
  make_absolute(recipe.output_dir, base);
}

/// The file as a tree, with the overrides in it.
config::Node document_of(std::string_view yaml, const std::string& name, const std::vector<std::string>& overrides,
                         config::Problems& problems) {
  config::Node document = config::parse_yaml(yaml, name, problems);
  for (const auto& assignment : overrides) config::apply_override(document, assignment, problems);
  return document;
}

/// What a file can hold.
struct Document {
  Recipe recipe;
  Sweep sweep;
};

void bind(config::Fields& field, Document& s) {
  bind(field, s.recipe);
  bind_sweep(field, s.sweep);
}

Recipe read(const config::Node& document, const fs::path& base, config::Problems& problems) {
  Document content;
  const config::Places places = config::read(document, content, problems, unknown_key_advice());
  make_paths_absolute(content.recipe, base);
  check_together(content.recipe, places, problems);
  return content.recipe;
}

const config::Node* sweep_in(const config::Node& document) {
  const config::Node* const sweep = document.find("sweep");
  return sweep != nullptr && sweep->kind != config::Node::Kind::null ? sweep : nullptr;
}

/// Keys that decide what is run, and where secrets and files go.
std::vector<std::string> keys_of_power(const Recipe& recipe) {
  std::vector<std::string> keys;
  const auto add = [&](bool is_there, const char* key) {
    if (is_there) keys.emplace_back(key);
  };
  add(!recipe.notify.command.empty(), "notify.command");
  add(recipe.notify.webhook.has_value(), "notify.webhook");
  add(recipe.notify.mail.has_value(), "notify.mail");
  add(recipe.notify.secrets_file.has_value(), "notify.secrets_file");
  add(recipe.slurm.secrets_file.has_value(), "slurm.secrets_file");
  add(recipe.slurm.site.find('/') != std::string::npos, "slurm.site");
  add(recipe.metrics.textfile.has_value(), "metrics.textfile");
  add(recipe.metrics.prometheus_port && recipe.metrics.prometheus_address != "127.0.0.1", "metrics.prometheus_address");
  return keys;
}

/// Where others work in the same folder, a recipe may be theirs to change: what it trains, but not what it starts.
void refuse_what_others_write(const fs::path& file, const Recipe& recipe) {
  const std::string path = shell_quoted(file.string());
  if (const auto keys = keys_of_power(recipe); !keys.empty())
    if (const auto why = not_ours(file))
      throw Error(
          Fault::usage,
          cat(file.string(), ": ", join(keys, ", "), keys.size() == 1 ? " is" : " are", " not believed: ", *why),
          cat("look what is in it; then, where the file is yours: chmod go-w ", shell_quoted(path),
              "   or else use a copy of your own"));
  if (const auto& command = recipe.notify.command; !command.empty())
    if (const auto why = others_may_write(command.front()); why && command.front().find('/') != std::string::npos)
      throw Error(Fault::usage,
                  cat(file.string(), ": notify.command starts ", command.front(), ", which is not believed: ", *why),
                  cat("chmod go-w ", shell_quoted(command.front()), "   by its owner, or a copy of your own"));
}

std::string text_of(const fs::path& file) {
  std::error_code status;
  if (!fs::exists(file, status) || fs::is_directory(file, status))
    throw Error(Fault::usage, cat("there is no recipe ", quoted(file.string())),
                "give the path of a YAML file, such as one of configs/recipes");
  constexpr std::uint64_t kMost = 4u << 20;  // the parser refuses at 1 MiB, with a place; this spares reading the rest
  return read_file(file, kMost);
}

}  // namespace

namespace {

/// @param problems  those of the file's form
Recipe single(const config::Node& document, const fs::path& base, config::Problems& problems) {
  Recipe recipe = read(document, base, problems);
  if (const config::Node* const sweep = sweep_in(document); sweep != nullptr && problems.empty())
    problems.add(sweep->mark,
                 "sweep makes several runs of this recipe, and one is wanted here; --set sweep=null leaves it out");
  problems.throw_if_any();
  return recipe;
}

}  // namespace

Recipe parse(std::string_view yaml, const std::string& name, const std::vector<std::string>& overrides,
             const fs::path& base) {
  config::Problems problems;
  return single(document_of(yaml, name, overrides, problems), base, problems);
}

Recipe parse(const config::Node& document, const fs::path& base) {
  config::Problems problems;
  return single(document, base, problems);
}

Recipe load(const fs::path& file, const std::vector<std::string>& overrides) {
  Recipe recipe = parse(text_of(file), file.string(), overrides, fs::current_path());
  refuse_what_others_write(file, recipe);
  return recipe;
}

SweepRecipe parse_sweep(std::string_view yaml, const std::string& name, const std::vector<std::string>& overrides,
                        const fs::path& base) {
  config::Problems problems;
  const config::Node document = document_of(yaml, name, overrides, problems);
  SweepRecipe result{.sweep = read_sweep(document, problems), .runs = {}};
  problems.throw_if_any();
  for (const auto& point : points_of(result.sweep)) {
    config::Node with = document;
    put_point(with, result.sweep, point, problems);
    result.runs.push_back({.values = texts_of(result.sweep, point), .recipe = read(with, base, problems)});
    // What is wrong with the first run is wrong with all: told once, and not mixed with what only some get wrong.
    if (result.runs.size() == 1) problems.throw_if_any();
  }
  problems.throw_if_any();
  return result;
}

SweepRecipe load_sweep(const fs::path& file, const std::vector<std::string>& overrides) {
  SweepRecipe sweep = parse_sweep(text_of(file), file.string(), overrides, fs::current_path());
  for (const auto& run : sweep.runs) refuse_what_others_write(file, run.recipe);
  return sweep;
}

bool is_sweep(const fs::path& file, const std::vector<std::string>& overrides) {
  try {
    config::Problems problems;
    return sweep_in(document_of(text_of(file), file.string(), overrides, problems)) != nullptr;
  } catch (const Error&) {
    return false;
  }
}

std::string to_yaml(const Recipe& recipe) { return config::print(recipe); }

}  // namespace pst::recipe
