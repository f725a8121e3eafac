// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "json/object.hpp"

namespace pst::families {

/// Refuses what config.json says that nobody has read, unless it is known not to change what the model computes: a key
/// that is passed over is a model that computes something else. Call it when a family has read all that it reads.
/// @throws Error(data) naming key and line
void refuse_unread_keys(const json::Object& config);

}  // namespace pst::families
