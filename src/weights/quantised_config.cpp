// SPDX-License-Identifier: Apache-2.0
#include "weights/quantised_config.hpp"

#include <nlohmann/json.hpp>

#include "json/parse.hpp"
#include "weights/stored_layout.hpp"

namespace pst::weights {

std::string quantised_config_json(const std::string& config_json, NumberFormat format, bool double_quantisation,
                                  const std::vector<std::string>& dense_modules) {
  auto config = json::parse_ordered(config_json, "config.json");
  config["quantization_config"] = row_of(format).stored->config(double_quantisation, dense_modules);
  return config.dump(2) + "\n";
}

}  // namespace pst::weights
