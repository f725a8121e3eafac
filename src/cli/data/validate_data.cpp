// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/data/row_arguments.hpp"
#include "console/live_line.hpp"
#include "core/file.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"
#include "datarules/validate_data.hpp"
#include "recipe/load.hpp"

namespace pst::cli {
namespace {

struct ValidateArguments : RowArguments {
  std::vector<std::string> validation, overrides, ignored, limits, fail_on = {"error"};
  std::string model, chat_template, page, list;
  int max_length = 0;
  bool as_json = false, show_rules = false, is_quick = false;
};

/// A recipe is YAML, as a chatterbot corpus is: its keys tell.
bool is_recipe(const std::vector<std::string>& inputs) {
  if (inputs.size() != 1 || !(inputs[0].ends_with(".yaml") || inputs[0].ends_with(".yml"))) return false;
  const std::string text = "\n" + read_file(inputs[0]);
  return text.find("\ndata:") != text.npos || text.find("\nmodel:") != text.npos;
}

recipe::Source source_of(const ValidateArguments& arguments, const std::string& path) {
  recipe::Source source;
  const auto given = [](const std::string& value) {
    return value.empty() ? std::nullopt : std::optional<std::string>(value);
  };
  source.path = path;
  source.container = arguments.reading.container;
  source.field = given(arguments.reading.field);
  source.delimiter = given(arguments.reading.delimiter);
  source.encoding = given(arguments.reading.encoding);
  source.columns = arguments.column_names();
  source.row_template = given(arguments.row_template);
  source.split = given(arguments.split);
  source.subset = given(arguments.subset);
  return source;
}

datarules::ValidateRequest request_of(const ValidateArguments& arguments) {
  datarules::ValidateRequest request;
  if (is_recipe(arguments.inputs)) {
    const auto recipe = recipe::load(arguments.inputs[0], arguments.overrides);
    request.data = recipe.data;
    request.model = recipe.model.path;
  } else {
    if (!arguments.overrides.empty())
      throw Error(Fault::usage, "--set changes a recipe, and none was given", "leave it out");
    for (const auto& path : arguments.inputs) request.data.train.push_back(source_of(arguments, path));
  }
  for (const auto& path : arguments.validation) request.data.validation.push_back(source_of(arguments, path));
  if (!arguments.model.empty()) request.model = arguments.model;
  if (!arguments.chat_template.empty()) request.data.chat_template = arguments.chat_template;
  if (arguments.max_length > 0) request.data.max_length = arguments.max_length;
  request.is_quick = arguments.is_quick;
  request.choices = datarules::rule_choices(arguments.ignored, arguments.limits);
  return request;
}

/// When the command fails: at findings of a level and above, or of certain rules.
class FailOn {
 public:
  explicit FailOn(const std::vector<std::string>& words) {
    using datarules::Level;
    for (const auto& word : words) {
      if (word == "never") continue;
      bool is_level = false;
      for (const Level level : {Level::info, Level::warning, Level::error})
        if (word == datarules::name_of(level)) {
          is_level = true;
          level_ = level_ ? std::min(*level_, level) : level;
        }
      if (!is_level) rules_.insert(&datarules::rule_named(word));
    }
  }
  bool fails(const datarules::Findings& findings) const {
    for (const datarules::Found* const found : findings.found())
      if ((level_ && findings.level_of(*found) >= *level_) || rules_.contains(found->rule)) return true;
    return false;
  }

 private:
  std::optional<datarules::Level> level_;
  std::set<const datarules::Rule*> rules_;
};

int validate(const ValidateArguments& arguments) {
  if (arguments.show_rules) {
    std::cout << datarules::rules_text();
    return 0;
  }
  if (arguments.inputs.empty()) throw Error(Fault::usage, "no file was given", "peft-studio data validate data.jsonl");
  const FailOn fail_on(arguments.fail_on);
  auto request = request_of(arguments);
  std::optional<DurableFile> list;
  if (!arguments.list.empty()) {
    list.emplace(arguments.list);
    request.listener = [&](const auto& findings, const auto& rule, const auto& place, const auto& hit) {
      list->write(printable_json(datarules::hit_json(findings, rule, place, hit).dump()) + "\n");
    };
  }
  console::ReadingLine reading;
  request.progress = reading.progress();
  const auto findings = datarules::validate_data(request);
  if (list) list->commit();
  if (!arguments.page.empty()) write_durably(arguments.page, findings.to_page());
  std::cout << (arguments.as_json ? printable_json(findings.to_json().dump(1)) + "\n" : findings.to_text());
  return fail_on.fails(findings) ? exit_status(Fault::data) : 0;
}

}  // namespace

Runner add_data_validate(CLI::App& app) {
  auto arguments = std::make_shared<ValidateArguments>();
  add_input_arguments(app, *arguments);
  app.get_option("IN")->required(false)->description("Files, folders or patterns; or one recipe");
  for (const char* const other : {"--skip-bad", "--types"}) app.remove_option(app.get_option(other));
  app.add_option("--validation", arguments->validation, "Files to look for what is in the training data, too");
  add_override_option(app, arguments->overrides);
  app.add_option("--model", arguments->model, "Model folder: looks at the tokens, as training sees them");
  app.add_option("--chat-template", arguments->chat_template, "Jinja file instead of the model's own template");
  app.add_option("--max-length", arguments->max_length, "Tokens of an example, for --model")
      ->check(CLI::PositiveNumber);
  app.add_flag("--quick", arguments->is_quick, "Leave out tokens and near duplicates");
  app.add_option("--ignore", arguments->ignored, "Rules not to look at")->delimiter(',');
  app.add_option("--limit", arguments->limits, "Another limit of a rule: long-word=2000")->delimiter(',');
  app.add_option("--fail-on", arguments->fail_on,
                 "Exit with status 65 at such findings: error, warning, info, never, "
                 "or names of rules")
      ->delimiter(',')
      ->capture_default_str();
  app.add_flag("--json", arguments->as_json, "Print the report as JSON");
  app.add_option("--html", arguments->page, "Write the report as an HTML page, too");
  app.add_option("--list", arguments->list, "Write every finding here, a line of JSON each");
  app.add_flag("--rules", arguments->show_rules, "Print the rules, and look at nothing");
  return [arguments] { return validate(*arguments); };
}

}  // namespace pst::cli
