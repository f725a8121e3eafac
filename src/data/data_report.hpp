// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/encoder.hpp"

namespace pst::data {

/// What became of examples.
struct Counts {
  std::int64_t examples = 0;  ///< read
  std::int64_t kept = 0;      ///< among them the truncated ones
  std::int64_t truncated = 0, skipped_no_label = 0, skipped_too_long = 0, skipped_bad = 0;
  std::int64_t tokens = 0, labelled_tokens = 0;  ///< of the kept ones

  void count(const EncodeResult& result);
};

/// A note, and how many examples of a file it is about.
struct CountedNote {
  Note note;
  int line = 0;  ///< of the first
  std::int64_t examples = 0;
  int last_line = 0;
};

struct SourceReport {
  std::string path, split, format, reason;  ///< reason: why it is this format
  Counts counts;
  std::vector<CountedNote> notes = {};
  std::int64_t more_notes = 0;  ///< that there was no room for

  void add(const std::vector<Note>& found, int line);
};

struct SplitReport {
  std::int64_t documents = 0, tokens = 0, labelled_tokens = 0;
};

/// What the tokenizer pipeline that model.tokenizer does not choose would make of the same records.
struct OtherTokens {
  std::string class_name;  ///< of transformers
  bool compared = false;   ///< false: the class is not followed here
  bool file_counts = true;
  std::int64_t records = 0, differing_records = 0, tokens = 0, differing_tokens = 0;

  std::string to_text() const;  ///< empty where nothing differs
};

/// What preparing found, for people and for meta.json.
struct PrepareReport {
  Counts total;
  std::vector<SourceReport> sources;
  SplitReport train, validation;
  int max_length = 0;
  std::int64_t validation_seen_in_training = 0;  ///< validation documents that are, token by token, training documents
  std::optional<OtherTokens> other_tokens;       ///< nothing where both pipelines are one
  std::string date;                              ///< what a template that reads the clock was told; else empty

  std::string to_text() const;
};

void to_json(nlohmann::ordered_json& json, const PrepareReport& report);
/// @throws nlohmann::json::exception when it is no report
void from_json(const nlohmann::ordered_json& json, PrepareReport& report);

}  // namespace pst::data
