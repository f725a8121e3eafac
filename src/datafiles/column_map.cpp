// SPDX-License-Identifier: Apache-2.0
#include "datafiles/column_map.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "jinja/template.hpp"

namespace pst::datafiles {
namespace {

/// The value at a path of names and positions. A key that has the dots itself is meant first. What is JSON in a text is
/// looked into. Nothing where there is none.
std::optional<Json> value_at(const Json& record, std::string_view path) {
  if (record.is_string()) {
    const auto inner = json_in_text(record.get_ref<const std::string&>());
    return inner && inner->is_structured() ? value_at(*inner, path) : std::nullopt;
  }
  if (record.is_object())
    if (const auto found = record.find(path); found != record.end()) return *found;
  for (auto dot = path.find('.');; dot = path.find('.', dot + 1)) {
    const std::string_view name = path.substr(0, dot), rest = dot == path.npos ? "" : path.substr(dot + 1);
    const Json* inner = nullptr;
    if (record.is_object()) {
      if (const auto found = record.find(name); found != record.end()) inner = &*found;
    } else if (record.is_array()) {
      const auto index = to_int(name);
      if (index && *index >= 0 && static_cast<std::size_t>(*index) < record.size())
        inner = &record[static_cast<std::size_t>(*index)];
    }
    if (inner != nullptr) return dot == path.npos ? std::optional(*inner) : value_at(*inner, rest);
    if (dot == path.npos) return std::nullopt;
  }
}

std::string keys_of(const Json& record) {
  std::vector<std::string> keys;
  for (const auto& item : record.items()) {
    if (keys.size() == 10) {
      keys.emplace_back("...");
      break;
    }
    keys.push_back(quoted(item.key(), 40));
  }
  return keys.empty() ? "none" : join(keys, ", ");
}

}  // namespace

Columns::Columns(std::map<std::string, std::string> names, const std::string& row_template)
    : names_(std::move(names)), template_text_(row_template) {
  if (!row_template.empty())
    template_ = std::make_shared<const jinja::Template>(jinja::Template::parse(row_template, "row_template"));
}

Json Columns::applied(Json record) const {
  if (!names_.empty()) {
    Json named = Json::object();
    std::set<std::string> moved;
    for (const auto& [name, path] : names_) {
      auto value = value_at(record, path);
      if (!value)
        throw Error(Fault::data, cat("the record has no ", quoted(path, 60), ", which `columns` takes for ",
                                     quoted(name, 60), "; its keys: ", keys_of(record)));
      named[name] = std::move(*value);
      moved.insert(path);
    }
    // Keys of a record are there once: the others need not be looked for.
    auto& members = static_cast<std::vector<Json::object_t::value_type>&>(named.get_ref<Json::object_t&>());
    for (auto& item : record.items())
      if (!moved.contains(item.key()) && !names_.contains(item.key()))
        members.emplace_back(item.key(), std::move(item.value()));
    record = std::move(named);
  }
  if (template_ == nullptr) return record;
  const std::string text = template_->render(record);
  try {
    return parse_record(trim(text));
  } catch (const Error& error) {
    throw Error(Fault::data, cat("row_template wrote ", quoted(text, 120), ": ", error.message(),
                                 "; values are written by `{{ value | tojson }}`"));
  }
}

std::string Columns::text() const {
  std::string all;
  for (const auto& [name, path] : names_)
    all += cat("column ", name.size(), ":", name, " ", path.size(), ":", path, "\n");
  if (template_ != nullptr) all += cat("template ", template_text_, "\n");
  return all;
}

}  // namespace pst::datafiles
