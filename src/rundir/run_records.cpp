// SPDX-License-Identifier: Apache-2.0
// What run.json and completed.json look like.
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/json_file.hpp"
#include "rundir/run_dir.hpp"

namespace pst::rundir {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t kFormat = 1;  ///< of both files; a reader refuses a newer one

void check_format(const json::Object& file, const fs::path& path) {
  if (const auto format = file.at("format").whole(); format != kFormat)
    throw Error(Fault::data, cat(path.string(), " has format ", format, "; this program reads ", kFormat),
                "use the version of peft-studio that made the run");
}

template <class T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

std::optional<double> optional_real(const json::Object& file, const char* key) {
  const auto found = file.get(key);
  return found ? std::optional(found->real()) : std::nullopt;
}

}  // namespace

void RunDir::write_record(const RunRecord& record) const {
  write_json(root_ / "run.json", {{"format", kFormat},
                                  {"id", record.id},
                                  {"name", record.name},
                                  {"version", record.version},
                                  {"created", record.created},
                                  {"recipe_file", record.recipe_file},
                                  {"recipe_digest", record.recipe_digest},
                                  {"model_digest", record.model_digest},
                                  {"data_digest", record.data_digest},
                                  {"model_path", record.model_path.string()},
                                  {"store", record.store.string()}});
}

RunRecord RunDir::read_record() const {
  const fs::path path = root_ / "run.json";
  const json::Document document = read_json(path);
  const json::Object file = document.object();
  check_format(file, path);
  return {.id = file.at("id").text(),
          .name = file.at("name").text(),
          .version = file.at("version").text(),
          .created = file.at("created").text(),
          .recipe_file = file.at("recipe_file").text(),
          .recipe_digest = file.at("recipe_digest").text(),
          .model_digest = file.at("model_digest").text(),
          .data_digest = file.at("data_digest").text(),
          .model_path = file.at("model_path").text(),
          .store = file.at("store").text()};
}

void RunDir::write_completed(const Completed& completed) const {
  write_json(root_ / "completed.json", {{"format", kFormat},
                                        {"steps", completed.steps},
                                        {"adapter_digest", completed.adapter_digest},
                                        {"train_loss", completed.train_loss},
                                        {"validation_loss_before", or_null(completed.validation_loss_before)},
                                        {"validation_loss_after", or_null(completed.validation_loss_after)},
                                        {"adapter_step", or_null(completed.adapter_step)},
                                        {"ended_early", completed.ended_early},
                                        {"seconds", completed.seconds},
                                        {"tokens", completed.tokens},
                                        {"attempt", completed.attempt},
                                        {"ranks", completed.ranks},
                                        {"finished", completed.finished}});
}

std::optional<Completed> RunDir::read_completed() const {
  const fs::path path = root_ / "completed.json";
  std::error_code ignored;
  if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found) return std::nullopt;

  const json::Document document = read_json(path);
  const json::Object file = document.object();
  check_format(file, path);
  const auto adapter_step = file.get("adapter_step"), ended_early = file.get("ended_early");  // older files have none
  Completed completed = {.steps = file.at("steps").whole(),
                         .adapter_digest = file.at("adapter_digest").text(),
                         .train_loss = real_or_nan(file, "train_loss"),
                         .validation_loss_before = optional_real(file, "validation_loss_before"),
                         .validation_loss_after = optional_real(file, "validation_loss_after"),
                         .adapter_step = adapter_step ? std::optional(adapter_step->whole()) : std::nullopt,
                         .ended_early = ended_early ? ended_early->text() : std::string(),
                         .seconds = real_or_nan(file, "seconds"),
                         .tokens = file.at("tokens").whole(),
                         .attempt = file.at("attempt").small_whole(),
                         .ranks = file.at("ranks").small_whole(),
                         .finished = file.at("finished").text()};
  const fs::path weights = adapter() / "adapter_model.safetensors";
  doing(cat("checking the adapter that ", path.string(), " vouches for"), [&] {
    if (digest_of_file(weights) != completed.adapter_digest)
      throw Error(Fault::data, cat(weights.string(), " is not the file that training wrote: its digest differs"),
                  "it was changed or damaged afterwards; run the recipe again");
  });
  return completed;
}

}  // namespace pst::rundir
