// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "datarules/findings.hpp"

namespace pst::datarules {

using nlohmann::ordered_json;

ordered_json hit_json(const Findings& findings, const Rule& rule, const Place& place, const Hit& hit) {
  ordered_json line = {{"rule", rule.name}, {"level", name_of(rule.level)}, {"place", findings.place_text(place)}};
  if (!hit.where.empty()) line["where"] = hit.where;
  if (!hit.detail.empty()) line["detail"] = hit.detail;
  if (!hit.sample.empty()) line["sample"] = hit.sample;
  return line;
}

ordered_json Findings::to_json() const {
  ordered_json json = {{"records", records()}, {"seconds", seconds}, {"files", ordered_json::array()}};
  for (const FileRead& file : files)
    json["files"].push_back({{"path", file.path},
                             {"split", file.split == Split::train ? "train" : "validation"},
                             {"format", file.format},
                             {"how", file.how},
                             {"bytes", file.bytes},
                             {"records", file.records},
                             {"bad_records", file.bad_records}});
  json["findings"] = ordered_json::array();
  for (const Found* const one : found()) {
    const Rule& rule = *one->rule;
    ordered_json examples = ordered_json::array();
    for (const Shown& shown : one->examples) {
      ordered_json example = hit_json(*this, rule, shown.place, shown.hit);
      example.erase("rule");
      example.erase("level");
      examples.push_back(std::move(example));
    }
    ordered_json entry = {{"rule", rule.name},       {"level", name_of(level_of(*one))},
                          {"records", one->records}, {"share", share_of(*one)},
                          {"hits", one->hits},       {"finds", rule.finds},
                          {"remedy", rule.remedy}};
    if (*rule.limit.unit != '\0') entry["limit"] = {{"value", choices_.limit(rule)}, {"unit", rule.limit.unit}};
    entry["examples"] = std::move(examples);
    json["findings"].push_back(std::move(entry));
  }
  json["ignored"] = ordered_json::array();
  for (const Rule* const rule : all_rules())
    if (!choices_.is_on(*rule)) json["ignored"].push_back(rule->name);
  json["notes"] = notes;
  return json;
}

}  // namespace pst::datarules
