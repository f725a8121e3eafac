// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "plan/costs.hpp"
#include "plan/machine.hpp"
#include "weights/json.hpp"

namespace pst::plan {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr const char* kRemedy = "remove the file and run `peft-studio probe` again";

/// Looks at a JSON object of a file that anybody may have edited.
class Object {
 public:
  Object(const nlohmann::json& json, std::string place) : json_(json), place_(std::move(place)) {
    if (!json_.is_object()) refuse("is no object");
  }
  [[noreturn]] void refuse(const std::string& what) const { throw Error(Fault::data, cat(place_, " ", what), kRemedy); }
  bool has(const char* key) const { return json_.contains(key); }
  const nlohmann::json& at(const char* key) const {
    if (!has(key)) refuse(cat("lacks ", quoted(key)));
    return json_.at(key);
  }
  std::string text(const char* key) const {
    const auto& value = at(key);
    if (!value.is_string() || value.get<std::string>().size() > 300 || find_control(value.get<std::string>()))
      refuse(cat(": ", quoted(key), " is no short line of text"));
    return value.get<std::string>();
  }
  double real(const char* key, double least, double most) const {
    const auto& value = at(key);
    if (!value.is_number() || !(value.get<double>() >= least) || !(value.get<double>() <= most))
      refuse(cat(": ", quoted(key), " is no number from ", number(least), " to ", number(most)));
    return value.get<double>();
  }
  int whole(const char* key, int least, int most) const {
    const double value = real(key, least, most);
    if (value != std::floor(value)) refuse(cat(": ", quoted(key), " is no whole number"));
    return static_cast<int>(value);
  }
  bool flag(const char* key) const {
    if (!at(key).is_boolean()) refuse(cat(": ", quoted(key), " is neither true nor false"));
    return at(key).get<bool>();
  }
  std::vector<double> numbers(const char* key, std::size_t most) const {
    const auto& value = at(key);
    if (!value.is_array() || value.size() > most)
      refuse(cat(": ", quoted(key), " is no list of at most ", most, " numbers"));
    std::vector<double> out;
    for (const auto& entry : value) {
      if (!entry.is_number()) refuse(cat(": ", quoted(key), " holds something that is no number"));
      out.push_back(entry.get<double>());
    }
    return out;
  }

 private:
  const nlohmann::json& json_;
  std::string place_;
};

nlohmann::json parsed(const std::string& text, const std::string& name) {
  try {
    return weights::parse_json(text, name);
  } catch (const Error& error) {
    throw Error(Fault::data, error.message(), kRemedy);
  }
}

Table table_from(const nlohmann::json& json, const std::string& place) {
  const Object object(json, place);
  const auto& axes = object.at("axes");
  if (!axes.is_array() || axes.size() > Table::kMostAxes) object.refuse("has no list of axes");
  std::vector<Table::Axis> read;
  std::size_t count = 1;
  for (const auto& axis : axes) {
    const Object one(axis, cat(place, ": an axis"));
    read.push_back({one.text("name"), one.numbers("points", Table::kMostPoints)});
    count *= std::max<std::size_t>(1, read.back().points.size());
  }
  return Table(place, std::move(read), object.numbers("seconds", count));
}

Layout layout_from(const nlohmann::json& json, const std::string& place) {
  const Object object(json, place);
  Layout layout{.ranks = object.whole("ranks", 1, 4096),
                .threads = object.whole("threads", 1, 4096),
                .baseline_bytes = static_cast<std::uint64_t>(object.real("baseline_bytes", 0, 1e15)),
                .layer_overhead_s = object.real("layer_overhead_s", 0, 10),
                .product_bytes_f32 = object.real("product_bytes_f32", 0, 1e9),
                .product_bytes_bf16 = object.real("product_bytes_bf16", 0, 1e9),
                .product_s_f32 = object.real("product_s_f32", 0, 100),
                .product_s_bf16 = object.real("product_s_bf16", 0, 100),
                .start_s = object.real("start_s", 0, 1e4)};
  const Object tables(object.at("tables"), cat(place, ": \"tables\""));
  for (const auto& [name, table] : object.at("tables").items()) {
    for (const Op op : all_ops())
      for (const Dtype dtype : {Dtype::f32, Dtype::bf16})
        if (name == table_name(op, dtype)) {
          layout.tables.insert_or_assign(name, table_from(table, cat(place, ": table ", quoted(name))));
          if (layout.tables.at(name).axes().size() != axes_of(op))
            object.refuse(cat(": table ", quoted(name), " has other axes"));
        }
    if (layout.tables.count(name) == 0) object.refuse(cat(": there is no operation ", quoted(name)));
  }
  return layout;
}

Link link_from(const nlohmann::json& json, const std::string& place) {
  const Object object(json, place);
  return {object.real("latency_s", 0, 100), object.real("bytes_per_s", 1, 1e15), object.text("source")};
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
  const nlohmann::json json = parsed(text, name);
  const Object object(json, name);
  if (object.whole("format", 0, 1 << 20) != kFormat) object.refuse(cat("is of another format than ", kFormat));
  Machine machine{.name = object.text("name"),
                  .source = object.text("source"),
                  .cores = object.whole("cores", 1, 1 << 16),
                  .memory_bytes = static_cast<std::uint64_t>(object.real("memory_bytes", 0, 1e18)),
                  .fast_bf16 = object.flag("fast_bf16")};
  const auto& layouts = object.at("layouts");
  if (!layouts.is_array() || layouts.empty() || layouts.size() > 64) object.refuse("holds no list of 1 to 64 layouts");
  for (std::size_t i = 0; i < layouts.size(); ++i)
    machine.layouts.push_back(layout_from(layouts[i], cat(name, ": layout ", i)));
  if (object.has("inside")) machine.inside = link_from(object.at("inside"), cat(name, ": \"inside\""));
  if (object.has("between")) machine.between = link_from(object.at("between"), cat(name, ": \"between\""));
  if (object.has("disk")) {
    const Object disk(object.at("disk"), cat(name, ": \"disk\""));
    machine.disk = Disk{disk.real("bytes_per_s", 1, 1e15), disk.real("fsync_s", 0, 1e4), disk.text("source")};
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
