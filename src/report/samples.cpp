// SPDX-License-Identifier: Apache-2.0
// What the samples of a node say over a whole attempt (docs/formats/metrics.md).
#include <algorithm>
#include <map>

#include "json/record.hpp"
#include "report/line_blocks.hpp"
#include "report/node_file.hpp"

namespace pst::report {
namespace {

namespace fs = std::filesystem;
using json::integer;
using json::real;
using json::text_of;
using nlohmann::ordered_json;

/// Means by time: a sample counts as long as it covers.
class Mean {
 public:
  void add(const ordered_json& value, double seconds) {
    if (!value.is_number()) return;
    sum_ += value.get<double>() * seconds;
    seconds_ += seconds;
  }
  std::optional<double> value() const { return seconds_ > 0 ? std::optional(sum_ / seconds_) : std::nullopt; }
  std::optional<double> sum() const { return seconds_ > 0 ? std::optional(sum_) : std::nullopt; }

 private:
  double sum_ = 0, seconds_ = 0;
};

ordered_json cell(const ordered_json& row, std::size_t column) {
  return row.is_array() && column < row.size() ? row[column] : ordered_json();
}

class Samples {
 public:
  explicit Samples(Gathered& into) : into_(into), cores_(into.members.size()) {
    for (std::size_t i = 0; i < into.members.size(); ++i) places_.emplace(into.members[i].rank, i);
  }

  void take(const ordered_json& record) {
    if (text_of(record, "kind") != "sample") return;
    const double seconds = std::max(0.0, real(record, "seconds").value_or(0));
    seconds_ += seconds;
    busy_.add(record.value("cpu_busy", ordered_json()), seconds);
    if (const auto available = integer(record, "available_bytes"))
      least_ = std::min(least_.value_or(*available), *available);
    const auto network = record.value("network", ordered_json());
    received_.add(cell(network, 0), seconds);
    sent_.add(cell(network, 1), seconds);
    for (const auto& row : record.value("ranks", ordered_json::array())) rank(row, seconds);
    for (const auto& row : record.value("gpus", ordered_json::array())) {
      gpu_busy_.add(cell(row, 1), seconds);
      gpu_energy_.add(cell(row, 3), seconds);
      // Bit 0 is "idle" and bit 1 "clocks as the application set them": neither is a slow-down.
      const auto reasons = cell(row, 7);
      if (reasons.is_number_integer()) throttled_ = throttled_.value_or(0) + ((reasons.get<std::int64_t>() & ~3) != 0);
    }
  }
  void into(Node& node) const {
    if (seconds_ <= 0) return;
    node.sampled_s = seconds_;
    node.cpu_busy = busy_.value();
    node.least_available_bytes = least_;
    node.received_bytes_per_s = received_.value();
    node.sent_bytes_per_s = sent_.value();
    node.gpu_busy_percent = gpu_busy_.value();
    node.gpu_energy_j = gpu_energy_.sum();
    node.gpu_throttled_samples = throttled_;
    for (std::size_t i = 0; i < cores_.size(); ++i) into_.members[i].cpu_cores = cores_[i].value();
  }

 private:
  void rank(const ordered_json& row, double seconds) {
    const auto number = cell(row, 0), resident = cell(row, 2);
    if (!number.is_number_integer()) return;
    const auto place = places_.find(number.get<std::int64_t>());
    if (place == places_.end()) return;
    auto& member = into_.members[place->second];
    cores_[place->second].add(cell(row, 1), seconds);
    if (resident.is_number_integer())
      member.resident_peak_bytes = std::max(member.resident_peak_bytes.value_or(0), resident.get<std::int64_t>());
  }

  Gathered& into_;
  double seconds_ = 0;
  Mean busy_, received_, sent_, gpu_busy_, gpu_energy_;
  std::optional<std::int64_t> least_, throttled_;
  std::vector<Mean> cores_;                     // of the members, in their order
  std::map<std::int64_t, std::size_t> places_;  // of the members, by rank
};

}  // namespace

void read_samples(const fs::path& folder, Gathered& into, Node& node) {
  std::error_code ignored;
  // A run of less than ten seconds has second-by-second samples only.
  for (const char* ending : {".jsonl", ".recent.jsonl"}) {
    const fs::path file = folder / (node.host + ending);
    if (!fs::is_regular_file(file, ignored)) continue;
    Samples samples(into);
    for_each_line(file, [&](std::string_view line) {
      if (const auto record = json::parse_record(line)) samples.take(*record);
    });
    samples.into(node);
    if (node.sampled_s) return;
  }
}

}  // namespace pst::report
