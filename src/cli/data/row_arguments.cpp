// SPDX-License-Identifier: Apache-2.0
#include "cli/data/row_arguments.hpp"

#include <iostream>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "datafiles/record_container.hpp"
#include "json/parse.hpp"

namespace pst::cli {
namespace {

/// "500MB" and the like, as bytes.
std::uint64_t bytes_of(const std::string& text) {
  constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {
      {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"KB", 1000}, {"B", 1}, {"", 1}};
  for (const auto& [unit, size] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const auto count = to_int(std::string_view(text).substr(0, text.size() - unit.size()));
    if (count && *count > 0 && *count < 1'000'000'000'000) return static_cast<std::uint64_t>(*count) * size;
    break;
  }
  throw Error(Fault::usage, cat("--shard-size ", quoted(text, 40), " is no size"), "write it as 500MB or 2GB");
}

}  // namespace

std::map<std::string, std::string> RowArguments::column_names() const {
  std::map<std::string, std::string> names;
  for (const auto& column : columns) {
    const auto equals = column.find('=');
    if (equals == column.npos || equals == 0 || equals + 1 == column.size())
      throw Error(Fault::usage, cat("--column ", quoted(column, 60), " is no pair of names"),
                  "write --column prompt=question");
    names[column.substr(0, equals)] = column.substr(equals + 1);
  }
  return names;
}

datafiles::RowSource RowArguments::source() const {
  std::optional<datafiles::Schema> schema;
  if (!types.empty())
    schema = doing(cat("reading the kinds of the columns from ", types),
                   [&] { return datafiles::Schema::of_report(json::parse_ordered(read_file(types), types)); });
  return datafiles::RowSource(inputs, split, subset, reading, datafiles::Columns(column_names(), row_template),
                              std::move(schema));
}

datafiles::Output RowArguments::target() const {
  datafiles::Output target{output, for_excel ? datafiles::ForExcel::yes : datafiles::ForExcel::no, {}};
  if (!shard_size.empty()) target.shard_bytes = bytes_of(shard_size);
  return target;
}

void add_input_arguments(CLI::App& app, RowArguments& arguments) {
  app.add_option("IN", arguments.inputs, "Files, folders or patterns")->required();
  app.add_option("--container", arguments.reading.container, "What the files are, where nothing shows it")
      ->check(CLI::IsMember(datafiles::container_words()))
      ->capture_default_str();
  app.add_option("--field", arguments.reading.field, "Key of the list of records in a JSON object");
  app.add_option("--delimiter", arguments.reading.delimiter, "Character between the cells of a CSV file");
  app.add_option("--encoding", arguments.reading.encoding, "Encoding of text that is not UTF-8, as iconv calls it");
  app.add_option("--types", arguments.types, "A schema report: the kinds of the columns of a table of text");
  app.add_option("--column", arguments.columns, "Another name for a value: prompt=question, completion=answers.0");
  app.add_option("--row-template", arguments.row_template, "Jinja template that writes each record as JSON");
  app.add_option("--split", arguments.split, "Part of a folder with several splits");
  app.add_option("--subset", arguments.subset, "Configuration of a Hugging Face folder");
  app.add_flag("--skip-bad", arguments.skip_bad, "Leave out records that cannot be read, and list them");
}

void add_output_arguments(CLI::App& app, RowArguments& arguments, const char* help) {
  app.add_option("-o,--output", arguments.output, help)->required();
  app.add_option("--shard-size", arguments.shard_size, "Begin another file after so much text: 500MB");
  app.add_flag("--excel", arguments.for_excel, "CSV that a spreadsheet opens as text: mark, CRLF, no formulas");
}

void print_written(const datafiles::Written& written) {
  std::cout << grouped(written.records) << (written.records == 1 ? " record" : " records") << " in ";
  if (written.files.size() == 1)
    std::cout << written.files.front() << '\n';
  else
    std::cout << written.files.size() << " files, " << written.files.front() << " to " << written.files.back() << '\n';
}

void print_left_out(const datafiles::RowSource& source) {
  if (source.count_left_out() == 0) return;
  std::cout << grouped(source.count_left_out()) << " left out:\n";
  for (const auto& line : source.left_out()) std::cout << "  " << line << '\n';
  if (source.count_left_out() > static_cast<std::int64_t>(source.left_out().size())) std::cout << "  ...\n";
}

}  // namespace pst::cli
