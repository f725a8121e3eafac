#include "recipe/model.hpp"

#include "config/fields.hpp"
#include "recipe/text_checks.hpp"

namespace pst::recipe {

config::Constraint path() {
  const auto holds = [](std::string_view text) { return !text.empty() && text.front() != '~'; };
  return config::text_that("a path (`~` is not expanded)", holds);
}

void bind(config::Fields& field, Model& s) {
  field.required(
      "path", &s.path, path(),
      "Folder of the base model: config.json, tokenizer.json, *.safetensors, in the layout of Hugging Face.");
}

}  // namespace pst::recipe
