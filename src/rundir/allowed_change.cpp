// SPDX-License-Identifier: Apache-2.0
#include "rundir/allowed_change.hpp"

#include <algorithm>

#include "json/record.hpp"

namespace pst::rundir {
namespace {

constexpr const char* kKind = "change-allowed";

}  // namespace

void allow_change(const RunDir& run, const std::string& recipe_digest, const std::string& changes) {
  run.event(kKind, {{"recipe_digest", recipe_digest}, {"changes", changes}});
}

bool change_is_allowed(const RunDir& run, const std::string& recipe_digest) {
  bool allowed = false;
  run.for_each_event([&](const nlohmann::ordered_json& event) {
    if (json::text_of(event, "event") == kKind && json::text_of(event, "recipe_digest") == recipe_digest)
      allowed = true;
  });
  return allowed;
}

}  // namespace pst::rundir
