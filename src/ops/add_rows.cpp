// SPDX-License-Identifier: Apache-2.0
#include "ops/add_rows.hpp"

#include <ATen/ops/embedding_dense_backward.h>

namespace pst::ops {

void add_rows(const at::Tensor& sum_vd, const at::Tensor& ids_n, const at::Tensor& rows_nd) {
  if (rows_nd.is_cpu()) {
    sum_vd.index_add_(0, ids_n, rows_nd);  // row after row
    return;
  }
  // There index_add_ is a race of atomic additions. This sorts the ids first, and makes a matrix as large as `sum`.
  sum_vd.add_(at::embedding_dense_backward(rows_nd.contiguous(), ids_n, sum_vd.size(0), /*padding_idx=*/-1,
                                           /*scale_grad_by_freq=*/false));
}

}  // namespace pst::ops
