// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "checkpoint/store.hpp"
#include "cli/verb.hpp"
#include "console/text_table.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"
#include "runs/checkpoint_choice.hpp"

namespace pst::cli {
namespace {

using nlohmann::ordered_json;

struct Row {
  std::filesystem::path folder;
  std::optional<checkpoint::Manifest> manifest;
  std::vector<std::string> problems;
};

std::uint64_t bytes_of(const checkpoint::Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const auto& file : manifest.files) bytes += file.bytes;
  return bytes;
}

ordered_json to_json(const Row& row) {
  ordered_json json = {
      {"step", *checkpoint::step_of(row.folder)}, {"folder", row.folder.string()}, {"problems", row.problems}};
  if (!row.manifest) return json;
  json["bytes"] = bytes_of(*row.manifest);
  json["ranks"] = row.manifest->ranks;
  json["attempt"] = row.manifest->generation;
  json["created"] = row.manifest->created;
  json["validation_loss"] =
      row.manifest->validation_loss ? ordered_json(*row.manifest->validation_loss) : ordered_json();
  json["milestone"] = row.manifest->milestone;
  return json;
}

std::vector<std::string> cells(const Row& row) {
  const std::string step = cat(*checkpoint::step_of(row.folder));
  if (!row.manifest) return {step, "-", "-", "-", "-", "-", quoted(row.problems.front())};
  const auto& manifest = *row.manifest;
  std::string notes = manifest.milestone ? "milestone" : "";
  if (!row.problems.empty()) notes = quoted(row.problems.front());
  return {step,
          quoted(manifest.created).substr(1, 19),
          human_bytes(bytes_of(manifest)),
          cat(manifest.ranks),
          cat(manifest.generation),
          manifest.validation_loss ? fixed(*manifest.validation_loss, 4) : "-",
          notes};
}

int list(const RunArguments& run, bool json) {
  const auto folder = runs::checkpoints_of(run.find());
  std::vector<Row> rows;
  for (const auto& one : checkpoint::list_folders(folder)) {
    Row row{one, std::nullopt, {}};
    row.problems = checkpoint::problems_of(one, checkpoint::Check::sizes, &row.manifest);
    rows.push_back(std::move(row));
  }
  if (json) {
    ordered_json all = ordered_json::array();
    for (const auto& row : rows) all.push_back(to_json(row));
    std::cout << printable_json(all.dump(2, ' ', false, ordered_json::error_handler_t::replace)) << '\n';
    return 0;
  }
  if (rows.empty()) {
    std::cout << "no checkpoints in " << folder.string() << '\n';
    return 0;
  }
  std::vector<std::vector<std::string>> table = {
      {"STEP", "CREATED", "SIZE", "RANKS", "ATTEMPT", "VALIDATION LOSS", "NOTES"}};
  for (const auto& row : rows) table.push_back(cells(row));
  console::print_table(std::cout, table);
  return 0;
}

}  // namespace

Runner add_checkpoint_list(CLI::App& app) {
  auto run = std::make_shared<RunArguments>();
  auto json = std::make_shared<bool>(false);
  add_run_arguments(app, *run);
  app.add_flag("--json", *json, "Print JSON, for programs");
  return [run, json] { return list(*run, *json); };
}

}  // namespace pst::cli
