// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "datafiles/record_json.hpp"

namespace pst::data {

using datafiles::Json;  // templates see keys in the order of the file
using datafiles::json_in_text;
using datafiles::kind_of;
using datafiles::parse_record;

}  // namespace pst::data
