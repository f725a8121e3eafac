// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace pst::doctor {

enum class Health { ok, warn, fail };

/// One thing that was looked at.
struct Finding {
  Health health = Health::ok;
  std::string subject;  ///< "MPI plugin": a word or two
  std::string text;     ///< what was seen
  std::string remedy;   ///< what to do about it; empty when all is well
};

const char* name_of(Health health);  ///< "ok", "warn", "fail"
Health worst(const std::vector<Finding>& findings);

/// "  ok    CPU          2 cores of ..." lines, each problem followed by its remedy.
std::string to_text(const std::vector<Finding>& findings);

}  // namespace pst::doctor
