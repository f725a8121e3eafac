#include "recipe/load.hpp"

#include "config/parse.hpp"
#include "config/print.hpp"
#include "config/reader.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
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
  make_absolute(recipe.model.path, base);
  make_absolute(recipe.adapter.init_from, base);
  for (auto& source : recipe.data.train) make_absolute(source.path, base);
  for (auto& source : recipe.data.validation) make_absolute(source.path, base);
  make_absolute(recipe.data.chat_template, base);
  if (recipe.checkpoint.resume != "auto" && recipe.checkpoint.resume != "never")
    make_absolute(recipe.checkpoint.resume, base);
  make_absolute(recipe.slurm.secrets_file, base);
  if (recipe.slurm.site.find('/') != std::string::npos) make_absolute(recipe.slurm.site, base);  // else it is a name
  make_absolute(recipe.output_dir, base);
}

}  // namespace

Recipe parse(std::string_view yaml, const std::string& name, const std::vector<std::string>& overrides,
             const fs::path& base) {
  config::Problems problems;
  config::Node document = config::parse_yaml(yaml, name, problems);
  for (const auto& assignment : overrides) config::apply_override(document, assignment, problems);
  Recipe recipe;
  const config::Places places = config::read(document, recipe, problems, unknown_key_advice());
  make_paths_absolute(recipe, base);
  check_together(recipe, places, problems);
  problems.throw_if_any();
  return recipe;
}

Recipe load(const fs::path& file, const std::vector<std::string>& overrides) {
  std::error_code status;
  if (!fs::is_regular_file(file, status))
    throw Error(Fault::usage, cat("there is no recipe ", quoted(file.string())),
                "give the path of a YAML file, such as one of configs/recipes");
  constexpr std::uint64_t kMost = 4u << 20;  // the parser refuses at 1 MiB, with a place; this spares reading the rest
  return parse(read_file(file, kMost), file.string(), overrides, fs::current_path());
}

std::string to_yaml(const Recipe& recipe) { return config::print(recipe); }

}  // namespace pst::recipe
