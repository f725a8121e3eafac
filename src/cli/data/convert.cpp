// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/data/row_arguments.hpp"
#include "core/file.hpp"

namespace pst::cli {

Runner add_data_convert(CLI::App& app) {
  auto arguments = std::make_shared<RowArguments>();
  auto schema = std::make_shared<std::string>();
  add_input_arguments(app, *arguments);
  add_output_arguments(app, *arguments,
                       "File to write; its suffix says the form (.jsonl .json .csv .tsv, with .gz .zst .bz2 .xz)");
  app.add_option("--schema", *schema, "Write the columns with their kinds and counts here, as JSON");
  return [arguments, schema] {
    auto source = arguments->source();
    const auto want = schema->empty() ? datafiles::WantSchema::if_needed : datafiles::WantSchema::yes;
    const auto written = datafiles::write_rows(source, arguments->bad(), arguments->target(), {}, want);
    if (!schema->empty()) write_durably(*schema, written.schema->report().dump(1) + "\n");
    print_written(written);
    print_left_out(source);
    return 0;
  };
}

Runner add_data_merge(CLI::App& app) {
  auto arguments = std::make_shared<RowArguments>();
  add_input_arguments(app, *arguments);
  add_output_arguments(app, *arguments, "File for the records of all inputs, in their order");
  return [arguments] {
    auto source = arguments->source();
    print_written(datafiles::write_rows(source, arguments->bad(), arguments->target()));
    print_left_out(source);
    return 0;
  };
}

}  // namespace pst::cli
