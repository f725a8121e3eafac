// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

#include "config/yaml_value.hpp"
#include "methods/adapter.hpp"
#include "weights/number_format.hpp"

namespace pst::methods {

/// PEFT's loftq_config: how a start makes up for what quantising the base has lost.
/// @see Li et al. 2023, arXiv:2310.08659
struct Loftq {
  int loftq_bits = 4;  ///< of the base
  int loftq_iter = 1;  ///< rounds of quantising and decomposing
};
/// @param kept, stored  how the base is kept in memory, and in its files
/// @throws Error(usage) where `init_lora_weights: loftq` asks for another base than these
void check_loftq(const Adapter& adapter, weights::NumberFormat kept, weights::NumberFormat stored);

}  // namespace pst::methods

namespace pst::config {

template <>
struct YamlValue<methods::Loftq> {
  using Map = YamlValue<std::map<std::string, int>>;
  static std::string type() { return "map of `loftq_bits` and `loftq_iter`"; }
  static bool read(const Node& node, methods::Loftq& value, const Reading& reading) {
    std::map<std::string, int> keys;
    if (!Map::read(node, keys, reading)) return false;
    methods::Loftq made;
    for (const auto& [key, number] : keys) {
      if (key != "loftq_bits" && key != "loftq_iter") return reading.wrong(node, "a map of loftq_bits and loftq_iter");
      (key == "loftq_bits" ? made.loftq_bits : made.loftq_iter) = number;
    }
    value = made;
    return true;
  }
  static Node write(const methods::Loftq& value) {
    return Map::write({{"loftq_bits", value.loftq_bits}, {"loftq_iter", value.loftq_iter}});
  }
};

}  // namespace pst::config
