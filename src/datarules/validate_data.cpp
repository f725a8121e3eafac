// SPDX-License-Identifier: Apache-2.0
#include "datarules/validate_data.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "config/yaml_value.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "data/read_source.hpp"
#include "data/record_format.hpp"
#include "data/records.hpp"
#include "datafiles/find_files.hpp"
#include "datafiles/record_container.hpp"
#include "datarules/checker.hpp"
#include "datarules/model_truth.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

namespace fs = std::filesystem;

using recipe::DataFormat;

/// "is an HTML page" of "data.jsonl is an HTML page": the place says the name already.
std::string without_name(const std::string& message, const std::string& path) {
  if (!message.starts_with(path)) return message;
  return std::string(trim(std::string_view(message).substr(path.size() + (message[path.size()] == ':' ? 1 : 0))));
}

std::string masked_line(std::string_view line) { return excerpt(line, 0, line.size()); }

class Validation {
 public:
  Validation(const ValidateRequest& request, const ModelTruth* model)
      : request_(request), findings_(request.choices, request.listener) {
    checkers_ = make_checkers({request.data, model, request.is_quick}, request.choices);
  }

  void read_all(const std::vector<recipe::Source>& sources, Split split) {
    for (const recipe::Source& source : sources) {
      const std::string usual = split == Split::train ? "train" : "validation";
      const auto found =
          datafiles::find_files({source.path, source.split.value_or(""), usual, source.subset.value_or("")});
      for (const std::string& path : found.files) read_file(source, path, split);
    }
  }

  Findings finish() {
    for (const auto& checker : checkers_) checker->finish(findings_);
    return std::move(findings_);
  }

 private:
  Place place(int line = 0) const { return {static_cast<std::uint32_t>(findings_.files.size() - 1), line}; }
  FileRead& file() { return findings_.files.back(); }

  void read_file(recipe::Source source, const std::string& path, Split split) {
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored))  // no fault of what the data hold
      throw Error(Fault::data, cat(path, fs::exists(path, ignored) ? " is not a regular file" : " does not exist"),
                  "correct the path");
    source.path = path;
    source.split = source.subset = std::nullopt;
    findings_.files.push_back({.path = path, .split = split});
    try {
      const data::SourceFile opened = data::open_source(source);
      file().counts_rows = opened.file.container().place == datafiles::Container::Place::row;
      file().format = config::YamlValue<DataFormat>::write(opened.format).text;
      file().how = opened.reason;
      file().bytes = opened.file.bytes().size();
      read_records(opened, split);
      opened.file.check();
      if (file().records == 0) findings_.add(kNoRecords, place(), [] { return Hit{}; });
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      findings_.add(kNotData, place(), [&] {
        std::string told = without_name(error.message(), path);
        if (const std::size_t first = told.find('\n'); first != std::string::npos) {
          const auto others = std::count(told.begin(), told.end(), '\n');
          told = cat(told.substr(0, first), "; ", others, " more like it");
        }
        return Hit{cat(told, error.remedy().empty() ? "" : cat("; ", error.remedy()))};
      });
    }
  }

  bool wrong(const Rule& rule, int line, const std::string& what) {
    ++file().bad_records;
    findings_.add(rule, place(line), [&] { return Hit{masked_line(what)}; });
    return true;
  }

  void look(RecordView& record) {
    ++file().records;
    for (const auto& checker : checkers_) checker->look(record, findings_);
    constexpr std::int64_t kEvery = 1000;
    if (request_.progress && ++looked_ % kEvery == 0) request_.progress(looked_);
  }

  void look_at_example(const data::Example& example, Split split, DataFormat format) {
    RecordView record{place(example.line), split, format, nullptr, &example, example.is_bad, texts_of(example)};
    look(record);
  }

  void read_records(const data::SourceFile& source, Split split) {
    if (source.format == DataFormat::chatterbot) {
      data::read_chatterbot(
          source,
          [&](data::Example&& example) {
            look_at_example(example, split, source.format);
            return true;
          },
          [&](int line, const std::string& what) { return wrong(kWrongShape, line, what); });
      return;
    }
    const data::UntrainedFormat* const untrained = data::untrained(source.format);
    const auto rows = source.file.rows();
    for (const Rule* rule = &kBrokenRecord;; rule = &kBrokenRecord) {
      try {
        auto row = rows->next();
        if (!row) break;
        rule = &kWrongShape;
        Json values = source.columns.applied(std::move(row->values));
        if (untrained == nullptr) {
          data::Example example = data::example_of(std::move(values), source.format);
          example.line = rows->place();
          look_at_example(example, split, source.format);
        } else {
          RecordView record{place(rows->place()), split, source.format, &values, nullptr, false, texts_of(values)};
          if (!is_pair_of_equals(values)) untrained->check(values);
          look(record);
        }
      } catch (const Error& error) {
        if (error.fault() != Fault::data) throw;
        wrong(*rule, rows->place(), error.message());
      }
    }
  }

  /// A rule of its own tells of those.
  static bool is_pair_of_equals(const Json& values) {
    return values.contains("chosen") && values.contains("rejected") && values["chosen"] == values["rejected"];
  }

  const ValidateRequest& request_;
  Findings findings_;
  std::vector<std::unique_ptr<Checker>> checkers_;
  std::int64_t looked_ = 0;
};

}  // namespace

Findings validate_data(const ValidateRequest& request) {
  const auto begin = std::chrono::steady_clock::now();
  std::optional<ModelTruth> model;
  if (request.model && !request.is_quick) model = load_model_truth(*request.model, request.data);
  Validation validation(request, model ? &*model : nullptr);
  validation.read_all(request.data.train, Split::train);
  validation.read_all(request.data.validation, Split::validation);
  Findings findings = validation.finish();
  if (!model) findings.notes.emplace_back("rules on tokens rest: they need a recipe, or --model DIR");
  findings.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return findings;
}

}  // namespace pst::datarules
