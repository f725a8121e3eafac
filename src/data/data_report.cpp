// SPDX-License-Identifier: Apache-2.0
#include "data/data_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/strings.hpp"

namespace pst::data {

void Counts::count(const EncodeResult& result) {
  ++examples;
  switch (result.outcome) {
    case Outcome::skipped_no_label: ++skipped_no_label; return;
    case Outcome::skipped_too_long: ++skipped_too_long; return;
    case Outcome::skipped_bad: ++skipped_bad; return;
    case Outcome::truncated: ++truncated; break;
    case Outcome::kept: break;
  }
  ++kept;
  tokens += static_cast<std::int64_t>(result.document.ids.size());
  labelled_tokens += std::count(result.document.labelled.begin(), result.document.labelled.end(), 1);
}

void SourceReport::add(const std::vector<Note>& found, int line) {
  constexpr std::size_t kMost = 64;
  for (const Note& note : found) {
    const auto same = std::find_if(notes.begin(), notes.end(), [&](const CountedNote& other) {
      return other.note.what == note.what && other.note.subject == note.subject;
    });
    if (same == notes.end()) {
      if (notes.size() < kMost)
        notes.push_back({note, line, 1, line});
      else
        ++more_notes;
      continue;
    }
    if (same->last_line != line) ++same->examples;
    same->last_line = line;
  }
}

namespace {

std::string sentence(const Counts& counts, int max_length) {
  std::string text = cat(grouped(counts.examples), " examples, ", grouped(counts.kept), " kept");
  if (counts.truncated > 0) text += cat(", ", grouped(counts.truncated), " of them cut to ", max_length, " tokens");
  if (counts.skipped_too_long > 0)
    text += cat(", ", grouped(counts.skipped_too_long), " left out (longer than ", max_length, " tokens)");
  if (counts.skipped_no_label > 0)
    text += cat(", ", grouped(counts.skipped_no_label), " left out (nothing to learn in them)");
  if (counts.skipped_bad > 0)
    text += cat(", ", grouped(counts.skipped_bad), " left out (marked as answers that are not wanted)");
  return text;
}

std::string sentence(const SplitReport& split) {
  const auto share =
      split.tokens > 0 ? 100.0 * static_cast<double>(split.labelled_tokens) / static_cast<double>(split.tokens) : 0;
  return cat(grouped(split.documents), " examples, ", grouped(split.tokens), " tokens, ",
             grouped(split.labelled_tokens), " of them learned (", fixed(share, 0), " %)");
}

/// Notes of one kind in one line: "note: a.jsonl:3: keys that are not used: "id" (12 examples), "x" (1 example)".
std::string notes_of(const SourceReport& source) {
  std::vector<std::pair<std::string, std::string>> lines;  // by what they say, in the order of the file
  const auto count = [](std::int64_t examples) {
    return cat(" (", grouped(examples), examples == 1 ? " example)" : " examples)");
  };
  for (const auto& [note, line, examples, last_line] : source.notes) {
    const auto same = std::find_if(lines.begin(), lines.end(), [&](const auto& l) { return l.first == note.what; });
    if (same != lines.end())
      same->second += cat(", ", note.subject, count(examples));
    else
      lines.emplace_back(note.what, cat("note: ", source.path, line > 0 ? cat(":", line) : std::string(), ": ",
                                        note.what, note.subject.empty() ? "" : ": ", note.subject, count(examples)));
  }
  std::string text;
  for (const auto& line : lines) text += line.second + "\n";
  if (source.more_notes > 0)
    text += cat("note: ", source.path, ": ", grouped(source.more_notes), " more of other kinds\n");
  return text;
}

}  // namespace

std::string OtherTokens::to_text() const {
  const std::string_view chosen = file_counts ? "file" : "transformers", other = file_counts ? "transformers" : "file";
  if (!compared)
    return cat("note: transformers 5 makes a tokenizer of its own with its class ", class_name,
               ", which is not followed here: its ids may differ from those of tokenizer.json, which count\n");
  if (differing_records == 0) return {};
  return cat("note: ", grouped(differing_records), " of ", grouped(records), " records (", grouped(differing_tokens),
             " of ", grouped(tokens), " tokens) have other ids ",
             file_counts ? cat("in transformers 5, whose ", class_name, " does not keep the pipeline of tokenizer.json")
                         : cat("by tokenizer.json, whose pipeline ", class_name, " of transformers 5 does not keep"),
             "; here model.tokenizer: ", chosen, " counts; ", other, " would take those\n");
}

std::string PrepareReport::to_text() const {
  std::string text;
  for (const auto& source : sources)
    text +=
        cat(source.path, ": ", source.format, " (", source.reason, "); ", sentence(source.counts, max_length), "\n");
  for (const auto& source : sources) text += notes_of(source);
  if (!date.empty())
    text += cat("note: the chat template writes the day on which it is used; here it is ", date,
                " in every example; a run keeps it, data.date sets it\n");
  if (other_tokens) text += other_tokens->to_text();
  text += cat("train: ", sentence(train));
  if (validation.documents > 0) text += cat("\nvalidation: ", sentence(validation));
  if (validation_seen_in_training > 0)
    text += cat("\nnote: ", grouped(validation_seen_in_training),
                validation_seen_in_training == 1 ? " validation example is" : " validation examples are",
                " in the training data word for word; the validation loss is that much too good");
  return text;
}

namespace {

using Json = nlohmann::ordered_json;  // what NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE of 3.11 does not serve

Json counts_json(const Counts& c) {
  return {{"examples", c.examples},
          {"kept", c.kept},
          {"truncated", c.truncated},
          {"skipped_no_label", c.skipped_no_label},
          {"skipped_too_long", c.skipped_too_long},
          {"skipped_bad", c.skipped_bad},
          {"tokens", c.tokens},
          {"labelled_tokens", c.labelled_tokens}};
}

Counts counts_of(const Json& json) {
  const auto get = [&](const char* key) { return json.at(key).get<std::int64_t>(); };
  return {get("examples"),         get("kept"),        get("truncated"), get("skipped_no_label"),
          get("skipped_too_long"), get("skipped_bad"), get("tokens"),    get("labelled_tokens")};
}

Json split_json(const SplitReport& split) {
  return {{"documents", split.documents}, {"tokens", split.tokens}, {"labelled_tokens", split.labelled_tokens}};
}

SplitReport split_of(const Json& json) {
  return {json.at("documents").get<std::int64_t>(), json.at("tokens").get<std::int64_t>(),
          json.at("labelled_tokens").get<std::int64_t>()};
}

Json other_json(const std::optional<OtherTokens>& other) {
  if (!other) return nullptr;
  return {{"class", other->class_name},
          {"compared", other->compared},
          {"file_counts", other->file_counts},
          {"records", other->records},
          {"differing_records", other->differing_records},
          {"tokens", other->tokens},
          {"differing_tokens", other->differing_tokens}};
}

std::optional<OtherTokens> other_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  const auto get = [&](const char* key) { return json.at(key).get<std::int64_t>(); };
  return OtherTokens{json.at("class").get<std::string>(),
                     json.at("compared").get<bool>(),
                     json.at("file_counts").get<bool>(),
                     get("records"),
                     get("differing_records"),
                     get("tokens"),
                     get("differing_tokens")};
}

Json notes_json(const SourceReport& source) {
  Json notes = Json::array();
  for (const auto& [note, line, examples, last_line] : source.notes)
    notes.push_back({{"what", note.what}, {"subject", note.subject}, {"line", line}, {"examples", examples}});
  return notes;
}

std::vector<CountedNote> notes_from(const Json& json) {
  std::vector<CountedNote> notes;
  for (const Json& note : json)
    notes.push_back({{note.at("what").get<std::string>(), note.at("subject").get<std::string>()},
                     note.at("line").get<int>(),
                     note.at("examples").get<std::int64_t>(),
                     0});
  return notes;
}

}  // namespace

void to_json(Json& json, const PrepareReport& report) {
  json = Json::object();
  json["total"] = counts_json(report.total);
  json["train"] = split_json(report.train);
  json["validation"] = split_json(report.validation);
  json["max_length"] = report.max_length;
  json["validation_seen_in_training"] = report.validation_seen_in_training;
  json["date"] = report.date;
  json["other_tokens"] = other_json(report.other_tokens);
  json["sources"] = Json::array();
  for (const auto& source : report.sources) {
    Json entry = Json::object();
    entry["path"] = source.path;
    entry["split"] = source.split;
    entry["format"] = source.format;
    entry["reason"] = source.reason;
    entry["counts"] = counts_json(source.counts);
    entry["notes"] = notes_json(source);
    entry["more_notes"] = source.more_notes;
    json["sources"].push_back(std::move(entry));
  }
}

void from_json(const Json& json, PrepareReport& report) {
  report.total = counts_of(json.at("total"));
  report.train = split_of(json.at("train"));
  report.validation = split_of(json.at("validation"));
  json.at("max_length").get_to(report.max_length);
  json.at("validation_seen_in_training").get_to(report.validation_seen_in_training);
  json.at("date").get_to(report.date);
  report.other_tokens = other_of(json.at("other_tokens"));
  for (const auto& source : json.at("sources"))
    report.sources.push_back({source.at("path").get<std::string>(), source.at("split").get<std::string>(),
                              source.at("format").get<std::string>(), source.at("reason").get<std::string>(),
                              counts_of(source.at("counts")), notes_from(source.at("notes")),
                              source.at("more_notes").get<std::int64_t>()});
}

}  // namespace pst::data
