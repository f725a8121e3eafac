// SPDX-License-Identifier: Apache-2.0
#include "ops/row_by_row.hpp"

#include <utility>

namespace pst::ops {
namespace {

thread_local bool on = false;

}  // namespace

RowByRow::RowByRow() : before_(std::exchange(on, true)) {}
RowByRow::~RowByRow() { on = before_; }
bool RowByRow::is_on() { return on; }

}  // namespace pst::ops
