// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "data/example.hpp"
#include "recipe/data.hpp"

namespace pst::data {

/// The format that a record's keys show; DataFormat::automatic when they show none.
struct Guess {
  recipe::DataFormat format = recipe::DataFormat::automatic;
  std::string reason;  ///< the keys that show it; else why they show none
};
Guess guess_format(const Json& record);

/// @param record  a list or an object in it may be the JSON text of one, as a table has them
/// @throws Error(data) naming the key or the message that is wrong, without the file's place
Example example_of(Json record, recipe::DataFormat format);

}  // namespace pst::data
