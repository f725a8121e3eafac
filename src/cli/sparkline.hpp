// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pst::cli {

/// A curve in bounded memory: when it has too many points, two neighbours become their mean.
class Curve {
 public:
  explicit Curve(std::size_t most = 1024) : most_(most) {}
  void add(std::int64_t step, double value);  ///< a step that is not beyond the last one, or no number, is left out

  const std::vector<double>& values() const { return values_; }
  bool empty() const { return count_ == 0; }
  double first() const { return first_; }
  double last() const { return last_; }

 private:
  std::size_t most_, weight_ = 1, pending_ = 0;  ///< weight_: steps in each of values_
  double sum_ = 0, first_ = 0, last_ = 0;
  std::int64_t step_ = 0;
  std::uint64_t count_ = 0;
  std::vector<double> values_;
};

enum class Marks { blocks, ascii };
/// Blocks where the locale is UTF-8.
Marks marks_of_locale();

/// At most `width` columns, the least value lowest. Values that do not fit are averaged.
std::string sparkline(const std::vector<double>& values, std::size_t width, Marks marks);

/// "[#####.....]", `width` columns in all. @param share  from 0 to 1
std::string bar(double share, std::size_t width, Marks marks);

/// Columns of a text, taking every character for one.
std::size_t columns(const std::string& utf8);
/// The first `width` columns of it.
std::string cut(const std::string& utf8, std::size_t width);

}  // namespace pst::cli
