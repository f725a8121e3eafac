// SPDX-License-Identifier: Apache-2.0
// Commands that write some of the records, or all in another order.
#include <iostream>

#include "cli/data/row_arguments.hpp"
#include "core/printable.hpp"
#include "datafiles/choose_rows.hpp"

namespace pst::cli {
namespace {

struct ChooseArguments : RowArguments {
  std::uint64_t seed = 0, records = 10;
  std::string parts = "train=0.9,test=0.1", group;
};

void add_seed(CLI::App& app, ChooseArguments& arguments) {
  app.add_option("--seed", arguments.seed, "Another seed chooses otherwise; the same one chooses the same")
      ->capture_default_str();
}

void add_records(CLI::App& app, ChooseArguments& arguments) {
  app.add_option("-n,--records", arguments.records, "Number of records to take")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

}  // namespace

Runner add_data_head(CLI::App& app) {
  auto arguments = std::make_shared<ChooseArguments>();
  add_input_arguments(app, *arguments);
  add_records(app, *arguments);
  return [arguments] {
    auto source = arguments->source();
    std::uint64_t shown = 0;
    source.read(arguments->bad(), [&](datafiles::Row& row, std::int64_t) {
      std::cout << printable_json(datafiles::line_of(row)) << '\n';
      return ++shown < arguments->records;
    });
    return 0;
  };
}

Runner add_data_sample(CLI::App& app) {
  auto arguments = std::make_shared<ChooseArguments>();
  add_input_arguments(app, *arguments);
  add_output_arguments(app, *arguments, "File for the records that are chosen, in their order");
  add_records(app, *arguments);
  add_seed(app, *arguments);
  return [arguments] {
    auto source = arguments->source();
    print_written(
        datafiles::sample_rows(source, arguments->bad(), arguments->target(), arguments->records, arguments->seed));
    print_left_out(source);
    return 0;
  };
}

Runner add_data_shuffle(CLI::App& app) {
  auto arguments = std::make_shared<ChooseArguments>();
  add_input_arguments(app, *arguments);
  add_output_arguments(app, *arguments, "File for the records in a random order");
  add_seed(app, *arguments);
  return [arguments] {
    auto source = arguments->source();
    print_written(datafiles::shuffle_rows(source, arguments->bad(), arguments->target(), arguments->seed));
    print_left_out(source);
    return 0;
  };
}

Runner add_data_split(CLI::App& app) {
  auto arguments = std::make_shared<ChooseArguments>();
  add_input_arguments(app, *arguments);
  add_output_arguments(app, *arguments, "Files for the parts, with {} for a part's name: data/{}.jsonl");
  app.add_option("--parts", arguments->parts, "Their names and shares")->capture_default_str();
  app.add_option("--by", arguments->group, "Key (dots lead inside): records with the same value stay together");
  add_seed(app, *arguments);
  return [arguments] {
    auto source = arguments->source();
    for (const auto& written :
         datafiles::split_rows(source, arguments->bad(), arguments->target(), datafiles::parse_parts(arguments->parts),
                               arguments->group, arguments->seed))
      print_written(written);
    print_left_out(source);
    return 0;
  };
}

}  // namespace pst::cli
