// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "plan/plan_report.hpp"

namespace pst::plan {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Choice& c) {
  return {{"nodes", c.nodes},
          {"ranks_per_node", c.ranks_per_node},
          {"threads", c.threads},
          {"micro_batch_size", c.micro_batch},
          {"gradient_checkpointing", c.recompute},
          {"precision", c.dtype == Dtype::bf16 ? "bf16" : "fp32"},
          {"strategy", name_of(c.placement)}};
}

Json json_of(const Memory& m) {
  return {{"libraries", m.libraries},         {"kernels", m.kernels},       {"weights", m.weights},
          {"adapters", m.adapters},           {"gradients", m.gradients},   {"optimizer", m.optimizer},
          {"activations", m.activations},     {"workspace", m.workspace},   {"head", m.head},
          {"communication", m.communication}, {"checkpoint", m.checkpoint}, {"data", m.data},
          {"training", m.training()},         {"loading", m.loading},       {"peak", m.peak()}};
}

Json json_of(const StepTime& t) {
  return {{"forward", t.forward},           {"backward", t.backward},
          {"recompute", t.recompute},       {"attention", t.attention},
          {"elementwise", t.elementwise},   {"head", t.head},
          {"gradient_sum", t.gradient_sum}, {"optimizer", t.optimizer},
          {"kernels", t.kernels},           {"communication", t.communication},
          {"waiting", t.waiting},           {"total", t.total()}};
}

template <class T>
void put(Json& json, const char* key, const std::optional<T>& value) {
  json[key] = value ? Json(*value) : Json(nullptr);
}

Json json_of(const Prediction& p) {
  Json json = {{"choice", json_of(p.choice)},
               {"fits", p.fits},
               {"memory_bytes", json_of(p.memory)},
               {"memory_limit_bytes", p.memory_limit}};
  if (!p.is_timed) return json;
  json.update({{"step_s", json_of(p.step)},
               {"sampled_steps_s", p.sampled_s},
               {"tokens_per_s", p.tokens_per_s},
               {"start_s", p.start_s},
               {"evaluation_s", p.evaluation_s},
               {"checkpoint_s", p.checkpoint_s},
               {"total_s", p.total_s},
               {"expected_s", p.expected_s},
               {"node_hours", p.node_hours}});
  put(json, "kilowatt_hours", p.kilowatt_hours);
  put(json, "money", p.money);
  put(json, "jobs", p.jobs);
  json["checkpoint"] = {{"snapshot_s", p.saving.snapshot_s}, {"write_s", p.saving.write_s},
                        {"bytes", p.saving.bytes},           {"interval_s", p.saving.interval_s},
                        {"reason", p.saving.reason},         {"job_mtbf_s", p.saving.job_mtbf_s},
                        {"lost_share", p.saving.lost_share}};
  return json;
}

}  // namespace

std::string to_json(const Report& report) {
  const Work& work = report.in.work;
  Json json = {{"format", 1},
               {"machine", report.in.machine.name},
               {"machine_source", report.chosen.machine_source},
               {"parameters", {{"trainable", report.chosen.model.trainable}, {"frozen", report.chosen.model.frozen}}},
               {"work",
                {{"steps", work.steps},
                 {"rows", work.rows},
                 {"tokens", work.tokens},
                 {"labelled_tokens", work.labelled},
                 {"exact", work.exact},
                 {"evaluations", work.evaluations}}}};
  json["decisions"] = Json::object();
  for (const auto& [key, value, reason] : report.decisions)
    json["decisions"][key] = {{"value", value}, {"reason", reason}};
  json["prediction"] = json_of(report.chosen);
  json["notes"] = report.notes;
  json["alternatives"] = Json::array();
  for (const auto& other : report.alternatives) {
    Json entry = json_of(other.prediction);
    entry.erase("sampled_steps_s");
    entry["changes"] = other.changes;
    entry["same_bits"] = other.same_bits;
    json["alternatives"].push_back(std::move(entry));
  }
  put(json, "smallest_change",
      report.smallest_change ? std::optional(report.smallest_change->changes)
                             : std::optional<std::vector<std::string>>());
  return json.dump(1) + "\n";
}

}  // namespace pst::plan
