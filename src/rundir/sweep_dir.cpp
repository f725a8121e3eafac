// SPDX-License-Identifier: Apache-2.0
#include "rundir/sweep_dir.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "rundir/json_file.hpp"

namespace pst::rundir {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kFormat = 1;  ///< a reader refuses a newer one
constexpr std::uint64_t kMostBytes = 16 << 20;
constexpr std::size_t kMostRuns = 100'000;

ordered_json to_json(const SweepRecord& record) {
  ordered_json runs = ordered_json::array();
  for (std::size_t i = 0; i < record.values.size(); ++i)
    runs.push_back({{"run", std::to_string(i)}, {"values", record.values[i]}});
  return {{"format", kFormat},
          {"id", record.id},
          {"name", record.name},
          {"version", record.version},
          {"created", record.created},
          {"recipe_file", record.recipe_file},
          {"max_parallel", record.max_parallel ? ordered_json(*record.max_parallel) : ordered_json()},
          {"parameters", record.keys},
          {"runs", std::move(runs)}};
}

/// sweep.json, found to be of the format that we read.
json::Object checked(const json::Document& document) {
  const json::Object file = document.object();
  if (const auto format = file.at("format").whole(); format != kFormat)
    throw Error(Fault::data, cat(document.name(), " has format ", format, "; this program reads ", kFormat),
                "use the version of peft-studio that made the sweep");
  return file;
}

}  // namespace

SweepDir SweepDir::create(const fs::path& output_dir, const std::string& name) {
  return SweepDir(RunDir::create(output_dir, name).root());  // the same names, and never the same one
}

std::vector<RunDir> SweepDir::runs(const SweepRecord& record) const {
  std::vector<RunDir> all;
  for (std::size_t i = 0; i < record.values.size(); ++i) all.push_back(run(i));
  return all;
}

void SweepDir::write_record(const SweepRecord& record) const { write_json(record_file(), to_json(record)); }

SweepRecord SweepDir::read_record() const {
  const json::Document document(record_file(), kMostBytes);
  const json::Object file = checked(document);
  SweepRecord record{.id = file.at("id").text(),
                     .name = file.at("name").text(),
                     .version = file.at("version").text(),
                     .created = file.at("created").text(),
                     .recipe_file = file.at("recipe_file").text(),
                     .keys = file.at("parameters").texts(),
                     .values = {},
                     .max_parallel = {}};
  if (const auto most = file.get("max_parallel")) record.max_parallel = most->small_whole(1);
  for (const auto& run : file.at("runs").list(kMostRuns)) {
    const json::Node values = run.object().at("values");
    record.values.push_back(values.texts());
    if (record.values.back().size() != record.keys.size())
      values.refuse("has not as many texts as there are parameters");
  }
  return record;
}

void SweepDir::write_results(const ordered_json& results) const {
  const std::string text = read_file(record_file(), kMostBytes);
  checked(json::Document(text, record_file().string()));
  ordered_json whole = json::parse_ordered(text, record_file().string());
  whole["results"] = results;
  write_json(record_file(), whole);
}

}  // namespace pst::rundir
