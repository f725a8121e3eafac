// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <vector>

namespace pst::adapters {

/// A matrix by columns.
struct Columns {
  std::size_t rows = 0;
  std::vector<std::vector<double>> of;
  std::size_t count() const { return of.size(); }
};

/// Of a matrix M = U diag(s) V^T: s falls, and the columns of U and V that belong to an s above 0 are orthonormal.
struct Svd {
  Columns u, v;
  std::vector<double> s;
};

/// The singular values and vectors of B A^T, B [m, r] and A [n, r], by QR of both and the SVD of the r x r core: the
/// product is never made. Of k = min(m, n, r) values.
/// @see Golub and Van Loan 2013, sections 5.2 and 8.6.3
Svd svd_of_product(const Columns& b_mr, const Columns& a_nr);
/// The values alone.
std::vector<double> singular_values_of_product(const Columns& b_mr, const Columns& a_nr);

}  // namespace pst::adapters
