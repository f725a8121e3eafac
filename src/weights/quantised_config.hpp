// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "weights/number_format.hpp"

namespace pst::weights {

/// The text of a config.json with `quantization_config` set, everything else as it was.
std::string quantised_config_json(const std::string& config_json, NumberFormat format, bool double_quantisation,
                                  const std::vector<std::string>& dense_modules);

}  // namespace pst::weights
