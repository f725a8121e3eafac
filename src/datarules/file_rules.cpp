// SPDX-License-Identifier: Apache-2.0
// What the reader of files finds itself: validate_data.cpp.
#include "datarules/rule_table.hpp"

namespace pst::datarules {

const Rule kNotData{
    "not-data", Level::error,
    "a file without records of a known form: an HTML page, a Git LFS pointer, an archive, a picture, other "
    "keys, nothing",
    "the finding says how to get the data"};
const Rule kBrokenRecord{"broken-record", Level::error,
                         "a record that cannot be read: no JSON, no UTF-8, a key twice, a cell too many",
                         "correct the record, or leave it out with `data convert --skip-bad`"};
const Rule kWrongShape{"wrong-shape", Level::error,
                       "a record that can be read and is no example: a key is missing, a text is a number",
                       "correct the record; docs/formats/data.md has the forms"};
const Rule kNoRecords{"no-records", Level::error, "a file without one good record", "name another file"};

RuleGroup file_rules() { return {"Files and records", {&kNotData, &kBrokenRecord, &kWrongShape, &kNoRecords}}; }

}  // namespace pst::datarules
