// SPDX-License-Identifier: Apache-2.0
#include "rundir/allowed_change.hpp"

#include <algorithm>

namespace pst::rundir {
namespace {

constexpr const char* kKind = "change-allowed";

bool says(const nlohmann::ordered_json& event, const char* key, const std::string& text) {
  const auto found = event.find(key);  // a file that people can edit: nothing about its types is certain
  return found != event.end() && found->is_string() && found->get<std::string>() == text;
}

}  // namespace

void allow_change(const RunDir& run, const std::string& recipe_digest, const std::string& changes) {
  run.event(kKind, {{"recipe_digest", recipe_digest}, {"changes", changes}});
}

bool change_is_allowed(const RunDir& run, const std::string& recipe_digest) {
  const auto events = run.read_events();
  return std::any_of(events.begin(), events.end(), [&](const auto& event) {
    return says(event, "event", kKind) && says(event, "recipe_digest", recipe_digest);
  });
}

}  // namespace pst::rundir
