// SPDX-License-Identifier: Apache-2.0
#include "doctor/finding.hpp"

#include <algorithm>

namespace pst::doctor {

const char* name_of(Health health) {
  switch (health) {
    case Health::ok: return "ok";
    case Health::warn: return "warn";
    case Health::fail: return "fail";
  }
  return "";
}

Health worst(const std::vector<Finding>& findings) {
  Health health = Health::ok;
  for (const Finding& finding : findings) health = std::max(health, finding.health);
  return health;
}

std::string to_text(const std::vector<Finding>& findings) {
  std::size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, finding.subject.size());
  std::string text;
  for (const Finding& finding : findings) {
    const std::string health = name_of(finding.health);
    text += "  " + health + std::string(6 - health.size(), ' ') + finding.subject +
            std::string(width + 2 - finding.subject.size(), ' ') + finding.text + "\n";
    if (!finding.remedy.empty()) text += std::string(8 + width + 2, ' ') + "try: " + finding.remedy + "\n";
  }
  return text;
}

}  // namespace pst::doctor
