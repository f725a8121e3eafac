// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::ops {

/// While one is alive, products of this thread on a CPU give a row the same bits whatever other rows are with it
/// (kernels/row_product). For generation, where a request's text is not to depend on its neighbours; training knows its
/// rows, and takes the fastest products.
class RowByRow {
 public:
  RowByRow();
  ~RowByRow();
  RowByRow(const RowByRow&) = delete;
  RowByRow& operator=(const RowByRow&) = delete;
  static bool is_on();

 private:
  bool before_;
};

}  // namespace pst::ops
