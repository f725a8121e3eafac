// SPDX-License-Identifier: Apache-2.0
#include "adapters/low_rank.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pst::adapters {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b, std::size_t from = 0) {
  return std::inner_product(a.begin() + static_cast<std::ptrdiff_t>(from), a.end(),
                            b.begin() + static_cast<std::ptrdiff_t>(from), 0.0);
}

Columns zeros(std::size_t rows, std::size_t count) { return {rows, {count, std::vector<double>(rows)}}; }

/// Householder's QR of a matrix [m, n], k = min(m, n): M = Q R with Q [m, k] and R [k, n].
class Qr {
 public:
  explicit Qr(Columns m) : m_(std::move(m)), size_(std::min(m_.rows, m_.count())) {
    for (std::size_t j = 0; j < size_; ++j) {
      std::vector<double> v(m_.rows);
      std::copy(m_.of[j].begin() + static_cast<std::ptrdiff_t>(j), m_.of[j].end(),
                v.begin() + static_cast<std::ptrdiff_t>(j));
      const double length = std::sqrt(dot(v, v, j));
      v[j] += std::copysign(length, v[j]);
      const double squared = dot(v, v, j);
      if (squared > 0)
        for (double& value : v) value /= std::sqrt(squared);
      for (std::size_t column = j; column < m_.count(); ++column) reflect(m_.of[column], v, j);
      reflectors_.push_back(std::move(v));
    }
  }

  Columns r() const {
    Columns r = zeros(size_, m_.count());
    for (std::size_t j = 0; j < m_.count(); ++j)
      for (std::size_t i = 0; i < std::min(size_, j + 1); ++i) r.of[j][i] = m_.of[j][i];
    return r;
  }

  /// Q times a matrix [k, c].
  Columns times(const Columns& c) const {
    Columns out = zeros(m_.rows, c.count());
    for (std::size_t j = 0; j < c.count(); ++j) {
      std::copy(c.of[j].begin(), c.of[j].end(), out.of[j].begin());
      for (std::size_t i = size_; i-- > 0;) reflect(out.of[j], reflectors_[i], i);
    }
    return out;
  }

 private:
  static void reflect(std::vector<double>& x, const std::vector<double>& v, std::size_t from) {
    const double twice = 2 * dot(x, v, from);
    for (std::size_t i = from; i < x.size(); ++i) x[i] -= twice * v[i];
  }
  Columns m_;
  std::size_t size_;
  std::vector<std::vector<double>> reflectors_;
};

Columns product_transposed(const Columns& a_mr, const Columns& b_nr) {
  Columns out = zeros(a_mr.rows, b_nr.rows);
  for (std::size_t r = 0; r < a_mr.count(); ++r)
    for (std::size_t j = 0; j < b_nr.rows; ++j)
      for (std::size_t i = 0; i < a_mr.rows; ++i) out.of[j][i] += a_mr.of[r][i] * b_nr.of[r][j];
  return out;
}

Columns transposed(const Columns& m) {
  Columns out = zeros(m.count(), m.rows);
  for (std::size_t j = 0; j < m.count(); ++j)
    for (std::size_t i = 0; i < m.rows; ++i) out.of[i][j] = m.of[j][i];
  return out;
}

void rotate(std::vector<double>& p, std::vector<double>& q, double cosine, double sine) {
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double x = p[i], y = q[i];
    p[i] = cosine * x - sine * y;
    q[i] = sine * x + cosine * y;
  }
}

/// Turns columns p and q of both until those of `m` are orthogonal. @return whether they were not
bool make_orthogonal(Columns& m, Columns& v, std::size_t p, std::size_t q) {
  const double pp = dot(m.of[p], m.of[p]), qq = dot(m.of[q], m.of[q]), pq = dot(m.of[p], m.of[q]);
  if (pq == 0 || std::abs(pq) <= 1e-15 * std::sqrt(pp * qq)) return false;
  const double zeta = (qq - pp) / (2 * pq);
  const double tangent = std::copysign(1.0, zeta) / (std::abs(zeta) + std::sqrt(1 + zeta * zeta));
  const double cosine = 1 / std::sqrt(1 + tangent * tangent);
  rotate(m.of[p], m.of[q], cosine, cosine * tangent);
  rotate(v.of[p], v.of[q], cosine, cosine * tangent);
  return true;
}

/// Jacobi's method on the columns of a matrix that is at least as high as wide.
Svd jacobi(Columns m) {
  const std::size_t n = m.count();
  Columns v = zeros(n, n);
  for (std::size_t i = 0; i < n; ++i) v.of[i][i] = 1;
  constexpr int kMostSweeps = 60;  // it converges quadratically: about ten are needed
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    bool turned = false;
    for (std::size_t p = 0; p + 1 < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) turned = make_orthogonal(m, v, p, q) || turned;
    if (!turned) break;
  }
  std::vector<double> lengths(n);
  for (std::size_t j = 0; j < n; ++j) lengths[j] = std::sqrt(dot(m.of[j], m.of[j]));
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  Svd svd{{m.rows, {}}, {n, {}}, {}};
  for (const std::size_t j : order) {
    svd.s.push_back(lengths[j]);
    if (lengths[j] > 0)
      for (double& value : m.of[j]) value /= lengths[j];
    svd.u.of.push_back(std::move(m.of[j]));
    svd.v.of.push_back(std::move(v.of[j]));
  }
  return svd;
}

Svd svd_of(Columns m) {
  if (m.rows >= m.count()) return jacobi(std::move(m));
  Svd svd = jacobi(transposed(m));
  std::swap(svd.u, svd.v);
  return svd;
}

}  // namespace

Svd svd_of_product(const Columns& b_mr, const Columns& a_nr) {
  const Qr b(b_mr), a(a_nr);
  Svd svd = svd_of(product_transposed(b.r(), a.r()));
  svd.u = b.times(svd.u);
  svd.v = a.times(svd.v);
  return svd;
}

std::vector<double> singular_values_of_product(const Columns& b_mr, const Columns& a_nr) {
  return svd_of(product_transposed(Qr(b_mr).r(), Qr(a_nr).r())).s;
}

}  // namespace pst::adapters
