// SPDX-License-Identifier: Apache-2.0
#include "data/prepare.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_set>

#include "config/yaml_value.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/rng.hpp"
#include "core/strings.hpp"
#include "core/trust.hpp"
#include "data/other_ids.hpp"
#include "data/prepared.hpp"
#include "data/read_source.hpp"
#include "data/store_writer.hpp"
#include "families/open_tokenizer.hpp"
#include "json/parse.hpp"

namespace pst::data {
namespace {

/// Everything that decides what a store contains.
struct Inputs {
  const recipe::Recipe& recipe;
  tokenizer::Tokenizer tokenizer;
  std::optional<OtherIds> other;
  ChatFormat format;
  std::vector<SourceFile> train, validation;
  std::string date;  ///< what a template that reads the clock is told; else empty

  bool splits() const { return recipe.data.validation_fraction > 0; }
};

/// @param split  what is taken of a folder with several splits that names none
std::vector<SourceFile> open_all(const std::vector<recipe::Source>& sources, const std::string& split) {
  std::vector<SourceFile> files;
  std::vector<std::string> wrong;
  std::string remedy;
  for (const auto& source : sources) {
    try {
      for (SourceFile& file : open_sources(source, split)) files.push_back(std::move(file));
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      if (wrong.empty()) remedy = error.remedy();
      wrong.push_back(error.message());
    }
  }
  if (!wrong.empty()) throw Error(Fault::data, join(wrong, "\n"), remedy);
  return files;
}

Inputs open_inputs(const recipe::Recipe& recipe) {
  // The data first: a wrong path there is the likelier mistake, and found in no time.
  auto train = open_all(recipe.data.train, "train");
  auto validation = open_all(recipe.data.validation, "validation");
  refuse_repeats(train, validation);
  Inputs inputs{recipe,
                families::open_tokenizer(recipe.model.path, recipe.model.tokenizer),
                other_ids(recipe.model),
                ChatFormat::load(recipe.model.path, recipe.data.chat_template),
                std::move(train),
                std::move(validation),
                {}};
  inputs.date = inputs.format.fix_day(recipe.data.date);
  return inputs;
}

std::string digest_of(const Inputs& inputs) {
  const recipe::Data& data = inputs.recipe.data;
  Digester digester;
  const auto field = [&](const auto& value) { digester.add_field(cat(value)); };
  field(kStoreVersion);
  field(inputs.tokenizer.digest());
  if (inputs.other) field(cat("beside ", inputs.other->digest()));  // the report of a store tells of that
  field(inputs.format.digest());
  field(data.max_length);
  field(static_cast<int>(data.too_long));
  field(static_cast<int>(data.train_on));
  field(data.max_examples ? cat(*data.max_examples) : std::string("all"));
  field(number(data.validation_fraction));
  field(inputs.splits() ? cat(inputs.recipe.train.seed) : std::string("none"));
  for (const auto* sources : {&inputs.train, &inputs.validation}) {
    field(sources->size());
    for (const SourceFile& source : *sources) {
      field(static_cast<int>(source.format));
      // A .txt file has plain lines and others have JSON, under the same format.
      field(lower(fs::path(datafiles::without_compression(source.path)).extension().string()) == ".txt");
      field(digest(source.file.bytes()));
      // Only what older versions could not read adds to it: their stores keep their names.
      if (const auto how = cat(source.file.how_read(), source.columns.text()); !how.empty()) field(how);
    }
  }
  if (!inputs.date.empty()) field(cat("date ", inputs.date));
  return digester.hex();
}

std::string word_of(recipe::DataFormat format) { return config::YamlValue<recipe::DataFormat>::write(format).text; }

/// Reads and tokenises files one after the other; kept examples go to `take`.
class Preparation {
 public:
  Preparation(const Inputs& inputs, const Progress& progress)
      : inputs_(inputs),
        progress_(progress),
        encoder_(inputs.tokenizer, inputs.format, inputs.recipe.data, compares() ? KeepText::yes : KeepText::no) {
    if (inputs.other) report_.other_tokens = inputs.other->begin();
    report_.max_length = inputs.recipe.data.max_length;
    report_.date = inputs.date;
  }

  void run(const std::vector<SourceFile>& sources, const std::string& split,
           const std::function<void(const Encoded&)>& take) {
    for (const SourceFile& source : sources) {
      SourceReport entry{source.path, split, word_of(source.format), source.reason, {}, {}};
      const auto most = split == "train" ? inputs_.recipe.data.max_examples : std::nullopt;
      read_examples(
          source, most,
          [&](Example&& example) -> std::optional<std::string> {
            try {
              const EncodeResult result = encoder_.encode(example);
              tell(result, entry.counts);
              if (compares() && result.shown) inputs_.other->look_at(*result.shown, *report_.other_tokens);
              entry.add(example.notes, example.line);
              entry.add(result.notes, example.line);
              if (!result.document.ids.empty() && problems_.empty()) take(result.document);
              return std::nullopt;
            } catch (const Error& error) {
              if (error.fault() != Fault::data) throw;
              if (remedy_.empty()) remedy_ = error.remedy();
              return error.message();
            }
          },
          problems_);
      report_.sources.push_back(std::move(entry));
    }
  }

  /// To be called after the last run(): throws when a file has mistakes.
  void check() const {
    try {
      problems_.throw_if_any(Fault::data);
    } catch (const Error& error) {
      throw Error(Fault::data, error.message(), remedy_);
    }
  }

  PrepareReport& report() { return report_; }

 private:
  bool compares() const { return inputs_.other && inputs_.other->compares(); }

  void tell(const EncodeResult& result, Counts& counts) {
    counts.count(result);
    report_.total.count(result);
    constexpr std::int64_t kEvery = 1000;
    if (progress_ && report_.total.examples % kEvery == 0) progress_(report_.total.examples);
  }

  const Inputs& inputs_;
  const Progress& progress_;
  Encoder encoder_;
  config::Problems problems_;
  PrepareReport report_;
  std::string remedy_;
};

/// Which of `count` examples are held out; at least one on either side.
std::vector<bool> choose_validation(std::size_t count, const recipe::Recipe& recipe) {
  const double fraction = recipe.data.validation_fraction;
  const auto held_out = static_cast<std::size_t>(std::ceil(static_cast<double>(count) * fraction));
  if (count < 2 || held_out >= count)
    throw Error(
        Fault::data,
        cat("data.validation_fraction ", number(fraction), " of ", count, " usable examples leaves none to train on"),
        "lower the fraction, or give data.validation a file");
  std::vector<std::uint32_t> order(count);
  shuffle(order, Rng(recipe.train.seed).child("validation"));
  std::vector<bool> chosen(count, false);
  for (std::size_t i = 0; i < std::max<std::size_t>(1, held_out); ++i) chosen[order[i]] = true;
  return chosen;
}

/// Writes one split and counts.
class CountedSplit {
 public:
  CountedSplit(const fs::path& folder, const std::string& split) : writer_(folder, split) {}

  void add(std::span<const std::int32_t> ids, std::span<const std::uint8_t> labelled) {
    writer_.add(ids, labelled);
    report_.documents += 1;
    report_.tokens += static_cast<std::int64_t>(ids.size());
    report_.labelled_tokens += std::count(labelled.begin(), labelled.end(), 1);
  }
  SplitReport finish(nlohmann::ordered_json& files) {
    for (const auto& [name, record] : writer_.finish())
      files[name] = {{"bytes", record.bytes}, {"digest", record.digest}};
    return report_;
  }

 private:
  SplitWriter writer_;
  SplitReport report_;
};

std::size_t fingerprint(std::span<const std::int32_t> ids) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()});
}

/// Fills `folder`. The order of files and of examples in them is kept in both splits.
PrepareReport build(const Inputs& inputs, const std::string& name, const fs::path& folder, const Progress& progress) {
  Preparation preparation(inputs, progress);
  nlohmann::ordered_json files;
  CountedSplit train(folder, "train"), validation(folder, "validation");
  std::unordered_set<std::size_t> in_training;
  PrepareReport& report = preparation.report();
  const auto to_train = [&](std::span<const std::int32_t> ids, std::span<const std::uint8_t> labelled) {
    train.add(ids, labelled);
    in_training.insert(fingerprint(ids));
  };
  const auto to_validation = [&](std::span<const std::int32_t> ids, std::span<const std::uint8_t> labelled) {
    validation.add(ids, labelled);
    report.validation_seen_in_training += in_training.count(fingerprint(ids)) != 0 ? 1 : 0;
  };

  if (!inputs.splits()) {
    preparation.run(inputs.train, "train", [&](const Encoded& d) { to_train(d.ids, d.labelled); });
    preparation.run(inputs.validation, "validation", [&](const Encoded& d) { to_validation(d.ids, d.labelled); });
    preparation.check();
  } else {
    // How many are held out is known at the end: everything goes into one set first, and from there into two.
    nlohmann::ordered_json all_files;
    CountedSplit all(folder, "all");
    preparation.run(inputs.train, "train", [&](const Encoded& d) { all.add(d.ids, d.labelled); });
    preparation.check();
    all.finish(all_files["files"]);
    all_files["version"] = kStoreVersion;
    write_durably(folder / "meta.json", all_files.dump());
    const PreparedSet whole = PreparedSet::open(folder, "all");
    const auto held_out = choose_validation(whole.size(), inputs.recipe);
    for (const bool pass : {false, true})  // training first: what validation repeats is known then
      for (std::size_t i = 0; i < whole.size(); ++i)
        if (held_out[i] == pass) {
          const Document document = whole.document(i);
          pass ? to_validation(document.ids, document.labelled) : to_train(document.ids, document.labelled);
        }
    fs::remove(folder / "meta.json");
    const SplitFiles spool = files_of(folder, "all");
    for (const auto& path : {spool.index, spool.ids, spool.labels}) fs::remove(path);
  }
  report.train = train.finish(files);
  report.validation = validation.finish(files);
  if (report.train.documents == 0)
    throw Error(Fault::data, cat("no example is left to train on:\n", report.to_text()),
                "raise data.max_length, or look whether the examples have answers to learn");
  const nlohmann::ordered_json meta = {
      {"version", kStoreVersion}, {"digest", name}, {"files", files}, {"report", report}};
  write_durably(folder / "meta.json", meta.dump(1));
  return report;
}

/// The report that a store was made with, as one on the files that are given now: the same data may have other names.
PrepareReport on_these_files(PrepareReport report, const Inputs& inputs) {
  std::vector<const SourceFile*> files;
  for (const auto* sources : {&inputs.train, &inputs.validation})
    for (const auto& source : *sources) files.push_back(&source);
  if (files.size() != report.sources.size()) throw Error(Fault::data, "the report is on other files");
  for (std::size_t i = 0; i < files.size(); ++i) {
    report.sources[i].path = files[i]->path;
    report.sources[i].reason = files[i]->reason;
  }
  return report;
}

/// The store that is there, when it is whole. Those of older versions have no notes, and are made again.
std::optional<PreparedStore> find_store(const fs::path& folder, const std::string& name, const Inputs& inputs) {
  if (!fs::exists(folder / "meta.json")) return std::nullopt;
  try {
    PreparedSet::open(folder, "train");
    PreparedSet::open(folder, "validation");
    json::Ordered meta;
    if (json::read(read_file(folder / "meta.json"), meta)) return std::nullopt;
    if (meta.at("digest") != name) return std::nullopt;
    return PreparedStore{folder, name, on_these_files(meta.at("report").get<PrepareReport>(), inputs), true};
  } catch (const Error& error) {
    if (error.fault() != Fault::data) throw;
  } catch (const nlohmann::json::exception&) {
  }
  return std::nullopt;
}

/// A folder beside the store that nobody else has. Another node may use the same process number.
fs::path make_part(const fs::path& store) {
  make_shared_directories(store.parent_path());
  for (int attempt = 0;; ++attempt) {
    const fs::path part = cat(store.string(), ".part-", ::getpid(), attempt > 0 ? cat("-", attempt) : std::string());
    std::error_code status;
    if (fs::create_directory(part, status)) return part;
    if (status)
      throw Error(Fault::io, cat("cannot create folder ", part.string(), ": ", status.message()),
                  "check that output_dir may be written, or choose another one");
    constexpr int kMostAttempts = 1000;
    if (attempt > kMostAttempts) throw Error(Fault::io, cat("too many folders like ", part.string()), "remove them");
  }
}

/// Where the store lies, or is to lie. One that somebody else made, or may write, is neither believed nor touched.
fs::path place_of(const fs::path& stores, const std::string& name) {
  const fs::path common = stores / name;
  return not_ours(common) ? stores / cat(name, "-", ::geteuid()) : common;
}

void remove_quietly(const fs::path& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

}  // namespace

std::string to_text(const PreparedStore& prepared) {
  return cat(prepared.report.to_text(), prepared.reused ? "\n(prepared earlier)" : "");
}

PreparedStore prepare(const recipe::Recipe& recipe, const Progress& progress) {
  const Inputs inputs = open_inputs(recipe);
  const std::string name = digest_of(inputs);
  const fs::path folder = place_of(fs::path(recipe.output_dir) / ".prepared", name);
  if (const auto why = not_ours(folder))
    throw Error(Fault::usage, cat("the prepared data in ", folder.string(), " is not believed: ", *why),
                "move that folder away, or set output_dir to another folder");
  return doing(cat("preparing the data in ", folder.string()), [&]() -> PreparedStore {
    if (auto found = find_store(folder, name, inputs)) return std::move(*found);
    const fs::path part = make_part(folder);
    try {
      PrepareReport report = build(inputs, name, part, progress);
      // A damaged store is moved out of the way; whoever has it mapped keeps its bytes.
      if (fs::exists(folder) && !find_store(folder, name, inputs)) fs::rename(folder, part.string() + ".damaged");
      std::error_code status;
      fs::rename(part, folder, status);
      if (status) {  // somebody else built the same meanwhile
        auto theirs = find_store(folder, name, inputs);
        if (!theirs) throw Error(Fault::io, cat("cannot rename to ", folder.string(), ": ", status.message()));
        fs::remove_all(part);
        return std::move(*theirs);
      }
      fs::remove_all(part.string() + ".damaged");
      return {folder, name, std::move(report), false};
    } catch (const fs::filesystem_error& error) {
      remove_quietly(part);
      throw Error(Fault::io, error.what(), "check that output_dir may be written, or choose another one");
    } catch (...) {
      remove_quietly(part);
      throw;
    }
  });
}

PrepareReport examine(const recipe::Recipe& recipe, const Progress& progress) {
  const Inputs inputs = open_inputs(recipe);
  Preparation preparation(inputs, progress);
  PrepareReport& report = preparation.report();
  const auto count_into = [](SplitReport& split, const Encoded& document) {
    split.documents += 1;
    split.tokens += static_cast<std::int64_t>(document.ids.size());
    split.labelled_tokens += std::count(document.labelled.begin(), document.labelled.end(), 1);
  };
  std::vector<std::pair<std::int64_t, std::int64_t>> lengths;  // tokens, labelled: what a split needs to be counted
  preparation.run(inputs.train, "train", [&](const Encoded& document) {
    count_into(report.train, document);
    if (inputs.splits())
      lengths.emplace_back(document.ids.size(), std::count(document.labelled.begin(), document.labelled.end(), 1));
  });
  preparation.run(inputs.validation, "validation",
                  [&](const Encoded& document) { count_into(report.validation, document); });
  preparation.check();
  if (inputs.splits()) {
    const auto held_out = choose_validation(lengths.size(), recipe);
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      if (!held_out[i]) continue;
      report.train.documents -= 1;
      report.train.tokens -= lengths[i].first;
      report.train.labelled_tokens -= lengths[i].second;
      report.validation.documents += 1;
      report.validation.tokens += lengths[i].first;
      report.validation.labelled_tokens += lengths[i].second;
    }
  }
  if (report.train.documents == 0)
    throw Error(Fault::data, cat("no example is left to train on:\n", report.to_text()),
                "raise data.max_length, or look whether the examples have answers to learn");
  return report;
}

}  // namespace pst::data
