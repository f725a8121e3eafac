// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "config/catalogue.hpp"

namespace pst::recipe {

/// A key that a recipe can have.
struct RecipeKey {
  config::CatalogueRow row;
  std::string chooser;             ///< the key whose word decides whether there is this one: "optimizer.name", or empty
  std::vector<std::string> kinds;  ///< the words with which there is; empty: always
  std::string path() const;        ///< "optimizer.betas"
};

/// Every key, in the reference's order, those of all optimizers and schedules among them. A key that two kinds describe
/// differently is there twice.
std::vector<RecipeKey> every_key();

}  // namespace pst::recipe
