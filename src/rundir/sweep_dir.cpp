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

/// sweep.json, read as untrusted input.
class SweepFile {
 public:
  explicit SweepFile(const fs::path& path) : path_(path.string()) {
    object_ = ordered_json::parse(read_file(path, kMostBytes), nullptr, /*allow_exceptions=*/false);
    if (!object_.is_object()) throw Error(Fault::data, cat(path_, " is not a JSON object"));
    const auto& format = at(object_, "format");
    if (!format.is_number_integer() || format != kFormat)
      throw Error(Fault::data, cat(path_, " has format ", format.dump(), "; this program reads ", kFormat),
                  "use the version of peft-studio that made the sweep");
  }

  SweepRecord record() const {
    SweepRecord record{.id = text("id"),
                       .name = text("name"),
                       .version = text("version"),
                       .created = text("created"),
                       .recipe_file = text("recipe_file"),
                       .keys = texts(at(object_, "parameters"), "parameters"),
                       .values = {},
                       .max_parallel = {}};
    if (const auto most = object_.find("max_parallel"); most != object_.end() && most->is_number_integer())
      record.max_parallel = most->get<int>();
    const auto& runs = at(object_, "runs");
    if (!runs.is_array() || runs.size() > kMostRuns) refuse("runs", "a list of runs");
    for (const auto& run : runs) {
      if (!run.is_object()) refuse("runs", "a list of runs");
      record.values.push_back(texts(at(run, "values"), "values"));
      if (record.values.back().size() != record.keys.size()) refuse("values", "as many texts as there are parameters");
    }
    return record;
  }

  ordered_json object_;

 private:
  [[noreturn]] void refuse(const char* key, const char* expected) const {
    throw Error(Fault::data, cat(path_, ": '", key, "' is missing or not ", expected));
  }
  const ordered_json& at(const ordered_json& object, const char* key) const {
    const auto found = object.find(key);
    if (found == object.end()) refuse(key, "there");
    return *found;
  }
  std::string text(const char* key) const {
    const auto& value = at(object_, key);
    if (!value.is_string()) refuse(key, "a text");
    return value.get<std::string>();
  }
  std::vector<std::string> texts(const ordered_json& list, const char* key) const {
    std::vector<std::string> all;
    if (!list.is_array()) refuse(key, "a list of texts");
    for (const auto& value : list) {
      if (!value.is_string()) refuse(key, "a list of texts");
      all.push_back(value.get<std::string>());
    }
    return all;
  }

  std::string path_;
};

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

SweepRecord SweepDir::read_record() const { return SweepFile(record_file()).record(); }

void SweepDir::write_results(const ordered_json& results) const {
  ordered_json whole = SweepFile(record_file()).object_;
  whole["results"] = results;
  write_json(record_file(), whole);
}

}  // namespace pst::rundir
