// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/object.hpp"
#include "plan/costs.hpp"
#include "plan/machine.hpp"

namespace pst::plan {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 2;  // 1 called an adapted layer by its method

std::string short_text(const json::Node& node) {
  std::string text = node.text();
  if (text.size() > 300 || find_control(text)) node.refuse("is no short line of text");
  return text;
}

std::vector<double> numbers(const json::Node& node, std::size_t most) {
  auto all = node.reals();
  if (all.size() > most) node.refuse(cat("lists ", all.size(), " numbers; at most are ", most));
  return all;
}

Table table_from(const json::Node& node, const std::string& file) {
  const json::Object object = node.object();
  std::vector<Table::Axis> read;
  std::size_t count = 1;
  for (const auto& axis : object.at("axes").list(Table::kMostAxes)) {
    const json::Object one = axis.object();
    read.push_back({short_text(one.at("name")), numbers(one.at("points"), Table::kMostPoints)});
    count *= std::max<std::size_t>(1, read.back().points.size());
  }
  return Table(cat(file, ": ", node.path()), std::move(read), numbers(object.at("seconds"), count));
}

Layout layout_from(const json::Object& object, const std::string& file) {
  Layout layout{.ranks = object.at("ranks").small_whole(1, 4096),
                .threads = object.at("threads").small_whole(1, 4096),
                .baseline_bytes = static_cast<std::uint64_t>(object.at("baseline_bytes").real(0, 1e15)),
                .layer_overhead_s = object.at("layer_overhead_s").real(0, 10),
                .product_bytes_f32 = object.at("product_bytes_f32").real(0, 1e9),
                .product_bytes_bf16 = object.at("product_bytes_bf16").real(0, 1e9),
                .product_s_f32 = object.at("product_s_f32").real(0, 100),
                .product_s_bf16 = object.at("product_s_bf16").real(0, 100),
                .start_s = object.at("start_s").real(0, 1e4)};
  for (const auto& [name, table] : object.inner("tables").members()) {
    for (const Op op : all_ops())
      for (const Dtype dtype : {Dtype::f32, Dtype::bf16})
        if (name == table_name(op, dtype)) {
          layout.tables.insert_or_assign(name, table_from(table, file));
          if (layout.tables.at(name).axes().size() != axes_of(op)) table.refuse("has other axes");
        }
    if (layout.tables.count(name) == 0) table.refuse("is the table of no operation");
  }
  return layout;
}

Link link_from(const json::Object& object) {
  return {object.at("latency_s").real(0, 100), object.at("bytes_per_s").real(1, 1e15), short_text(object.at("source"))};
}

Json to_json(const Link& link) {
  return {{"latency_s", link.latency_s}, {"bytes_per_s", link.bytes_per_s}, {"source", link.source}};
}

Json to_json(const Layout& layout) {
  Json json = {{"ranks", layout.ranks},
               {"threads", layout.threads},
               {"baseline_bytes", layout.baseline_bytes},
               {"layer_overhead_s", layout.layer_overhead_s},
               {"product_bytes_f32", layout.product_bytes_f32},
               {"product_bytes_bf16", layout.product_bytes_bf16},
               {"product_s_f32", layout.product_s_f32},
               {"product_s_bf16", layout.product_s_bf16},
               {"start_s", layout.start_s},
               {"tables", Json::object()}};
  for (const auto& [name, table] : layout.tables) {
    Json axes = Json::array();
    for (const auto& axis : table.axes()) axes.push_back({{"name", axis.name}, {"points", axis.points}});
    json["tables"][name] = {{"axes", axes}, {"seconds", table.seconds()}};
  }
  return json;
}

}  // namespace

Machine parse_machine(const std::string& text, const std::string& name) {
  const json::Document document(text, name, "remove the file and run `peft-studio probe` again");
  const json::Object object = document.object();
  if (object.at("format").small_whole() != kFormat)
    object.refuse("format", cat("is not ", kFormat, ": another version measured it"));
  Machine machine{.name = short_text(object.at("name")),
                  .source = short_text(object.at("source")),
                  .cores = object.at("cores").small_whole(1, 1 << 16),
                  .memory_bytes = static_cast<std::uint64_t>(object.at("memory_bytes").real(0, 1e18)),
                  .fast_bf16 = object.at("fast_bf16").flag()};
  for (const auto& layout : object.at("layouts").list(64))
    machine.layouts.push_back(layout_from(layout.object(), name));
  if (machine.layouts.empty()) object.refuse("layouts", "is empty");
  if (const auto inside = object.get("inside")) machine.inside = link_from(inside->object());
  if (const auto between = object.get("between")) machine.between = link_from(between->object());
  if (const auto found = object.get("disk")) {
    const json::Object disk = found->object();
    machine.disk =
        Disk{disk.at("bytes_per_s").real(1, 1e15), disk.at("fsync_s").real(0, 1e4), short_text(disk.at("source"))};
  }
  return machine;
}

std::string to_json(const Machine& machine) {
  Json json = {{"format", kFormat},
               {"name", machine.name},
               {"source", machine.source},
               {"cores", machine.cores},
               {"memory_bytes", machine.memory_bytes},
               {"fast_bf16", machine.fast_bf16}};
  if (machine.disk)
    json["disk"] = {{"bytes_per_s", machine.disk->bytes_per_s},
                    {"fsync_s", machine.disk->fsync_s},
                    {"source", machine.disk->source}};
  if (machine.inside) json["inside"] = to_json(*machine.inside);
  if (machine.between) json["between"] = to_json(*machine.between);
  json["layouts"] = Json::array();
  for (const auto& layout : machine.layouts) json["layouts"].push_back(to_json(layout));
  return json.dump(1) + "\n";
}

}  // namespace pst::plan
