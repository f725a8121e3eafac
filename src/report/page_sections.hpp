// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>

/// The sections of a report's page, each as HTML from the report's JSON. Empty when there is nothing to say.
namespace pst::report {

std::string heading_section(const nlohmann::ordered_json& report);
std::string losses_section(const nlohmann::ordered_json& report);  ///< what was lost to which fault
std::string time_section(const nlohmann::ordered_json& report);
std::string phases_section(const nlohmann::ordered_json& report, const std::string& chart);
std::string ranks_section(const nlohmann::ordered_json& report);
std::string machine_section(const nlohmann::ordered_json& report);  ///< work, memory, cost
std::string identity_section(const nlohmann::ordered_json& report);
std::string coverage_section(const nlohmann::ordered_json& report);

}  // namespace pst::report
