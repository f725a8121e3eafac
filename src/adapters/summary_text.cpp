// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "adapters/adapter_summary.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"
#include "weights/dtype.hpp"

namespace pst::adapters {
namespace {

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// Values behind names that are as wide as the widest of them.
std::string aligned(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::size_t width = 0;
  for (const auto& [name, value] : lines) width = std::max(width, name.size() + 2);
  std::string text;
  for (const auto& [name, value] : lines) text += cat(name, std::string(width - name.size(), ' '), value, '\n');
  return text;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += i + 1 == row.size() ? row[i] : row[i] + std::string(widths[i] + 2 - row[i].size(), ' ');
    text += '\n';
  }
  return text;
}

std::string shown_name(const std::string& name) {
  const std::string whole = quoted(name);  // in a file of a stranger
  return whole.substr(1, whole.size() - 2);
}

std::string layers_table(const AdapterSummary& summary) {
  std::vector<std::vector<std::string>> rows = {{"LAYER", "RANK", "NORM", "LARGEST", "SMALLEST", "RANK OF 90 %"}};
  for (const auto& layer : summary.layers)
    rows.push_back({shown_name(layer.module), cat(layer.rank), short_number(layer.norm),
                    short_number(layer.singular.front()), short_number(layer.singular.back()), cat(layer.energy_rank)});
  return cat(table(rows),
             "\nNORM is that of the whole update, LARGEST and SMALLEST are its singular values, and RANK OF "
             "90 % as many of them as hold 90 % of the sum of their squares.\n");
}

std::string tensors_table(const AdapterSummary& summary) {
  std::vector<std::vector<std::string>> rows = {{"TENSOR", "SHAPE", "NORM", "LARGEST"}};
  for (const auto& tensor : summary.tensors)
    rows.push_back({shown_name(tensor.name), weights::shape_text(tensor.shape),
                    tensor.norm ? short_number(*tensor.norm) : "-",
                    tensor.largest ? short_number(*tensor.largest) : "-"});
  return table(rows);
}

}  // namespace

std::string to_text(const AdapterSummary& summary) {
  std::vector<std::pair<std::string, std::string>> lines = {{"folder", summary.dir.string()}};
  lines.emplace_back("type", summary.help.empty() ? shown_name(summary.type) : cat(summary.type, ": ", summary.help));
  if (!summary.unread.empty()) lines.emplace_back("not trained", cat("by this program: ", summary.unread));
  if (!summary.base_model.empty()) lines.emplace_back("base model", shown_name(summary.base_model));
  lines.emplace_back("tensors", cat(summary.tensors.size(), " with ", grouped(summary.values), " values, ",
                                    human_bytes(summary.bytes)));
  lines.emplace_back("merge", summary.mergeable ? "yes, by `peft-studio adapter merge`" : "no");
  for (const Loader& loader : summary.loaders)
    lines.emplace_back(loader.program, loader.lacks.empty() ? "loads it" : cat("does not load it: ", loader.lacks));
  for (const auto& [key, value] : summary.keys) lines.emplace_back(shown_name(key), value.substr(0, 200));
  std::string text = aligned(lines) + "\n";
  text += summary.layers.empty() ? tensors_table(summary) : layers_table(summary);
  if (!summary.odd.empty()) text += "\nodd:\n";
  for (const auto& sentence : summary.odd) text += cat("  ", shown_name(sentence), '\n');
  return text;
}

std::string to_json(const AdapterSummary& summary) {
  json::Ordered all;
  all["folder"] = summary.dir.string();
  all["type"] = summary.type;
  all["base_model"] = summary.base_model;
  all["values"] = summary.values;
  all["bytes"] = summary.bytes;
  all["mergeable"] = summary.mergeable;
  all["unread"] = summary.unread;
  for (const Loader& loader : summary.loaders) all["loads"][loader.program] = loader.lacks.empty();
  all["tensors"] = json::Ordered::array();
  for (const auto& tensor : summary.tensors) {
    json::Ordered one = {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}};
    if (tensor.norm) one["norm"] = *tensor.norm;
    if (tensor.largest) one["largest"] = *tensor.largest;
    all["tensors"].push_back(std::move(one));
  }
  all["layers"] = json::Ordered::array();
  for (const auto& layer : summary.layers)
    all["layers"].push_back({{"module", layer.module},
                             {"rank", layer.rank},
                             {"norm", layer.norm},
                             {"singular_values", layer.singular},
                             {"energy_rank", layer.energy_rank}});
  all["odd"] = summary.odd;
  return all.dump(2, ' ', false, json::Ordered::error_handler_t::replace) + "\n";
}

}  // namespace pst::adapters
