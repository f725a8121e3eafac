// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>

#include "report/html.hpp"

/// The sections of a report's page, each as HTML from the report's JSON. Empty when there is nothing to say.
namespace pst::report {

Html heading_section(const nlohmann::ordered_json& report);
Html losses_section(const nlohmann::ordered_json& report);  ///< what was lost to which fault
Html time_section(const nlohmann::ordered_json& report);
Html phases_section(const nlohmann::ordered_json& report, const Html& chart);
Html ranks_section(const nlohmann::ordered_json& report);
Html machine_section(const nlohmann::ordered_json& report);  ///< work, memory, cost
Html identity_section(const nlohmann::ordered_json& report);
Html coverage_section(const nlohmann::ordered_json& report);

}  // namespace pst::report
