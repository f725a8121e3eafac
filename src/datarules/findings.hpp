// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "datarules/data_rule.hpp"
#include "datarules/record_view.hpp"

namespace pst::datarules {

/// A file that was read.
struct FileRead {
  std::string path;
  Split split = Split::train;
  bool counts_rows = false;      ///< its places are rows
  std::string format, how;       ///< "chat", "the first record has ..."
  std::uint64_t bytes = 0;       ///< on the disk
  std::int64_t records = 0;      ///< that could be read
  std::int64_t bad_records = 0;  ///< that could not
};

/// What a rule found in one place. Texts of strangers: whatever is kept of it is masked.
struct Hit {
  std::string detail;       ///< "the word is 1,204 characters long"; may be empty
  std::string where = {};   ///< Text::where()
  std::string sample = {};  ///< excerpt()
};

/// `text` around [begin, end) for a report: short, with personal data and secrets masked, and with what nobody sees
/// (controls, zero-width characters) written out.
std::string excerpt(std::string_view text, std::size_t begin, std::size_t end);

struct Shown {
  Place place;
  Hit hit;
};

/// What one rule found in all.
struct Found {
  const Rule* rule = nullptr;
  std::int64_t hits = 0, records = 0;
  std::vector<Shown> examples;  ///< the first three
  Place last;
};

/// What was found, rule by rule: everything is counted, three examples of each are kept.
class Findings {
 public:
  /// Told of each hit as it is found.
  using Listener = std::function<void(const Findings&, const Rule&, const Place&, const Hit&)>;
  static constexpr std::size_t kExamples = 3;

  explicit Findings(RuleChoices choices, Listener listener = {})
      : choices_(std::move(choices)), listener_(std::move(listener)) {}

  const RuleChoices& choices() const { return choices_; }
  /// Counts a hit, unless the rule is ignored. `make` is called where somebody will see it.
  void add(const Rule& rule, Place place, const std::function<Hit()>& make);
  void add(const Rule& rule, const RecordView& record, const Text& text, const std::string& detail, std::size_t begin,
           std::size_t end);

  std::vector<FileRead> files;
  std::vector<std::string> notes;  ///< what was not looked at, and why
  double seconds = 0;

  std::int64_t records() const;
  std::string place_text(Place place) const;  ///< "data.jsonl:12"
  std::vector<const Found*> found() const;    ///< errors first, in the order of the rules
  /// The rule's level, or info where what it found is tolerated.
  Level level_of(const Found& found) const;
  double share_of(const Found& found) const;  ///< of the records

  std::string to_text() const;
  nlohmann::ordered_json to_json() const;
  std::string to_page() const;  ///< one HTML page that loads nothing

 private:
  RuleChoices choices_;
  Listener listener_;
  std::unordered_map<const Rule*, Found> found_;
};

/// One line of JSON on a hit, for lists of all of them.
nlohmann::ordered_json hit_json(const Findings& findings, const Rule& rule, const Place& place, const Hit& hit);

}  // namespace pst::datarules
