// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "plan/costs.hpp"
#include "plan/machine.hpp"

namespace pst::app {

/// Times operations on all ranks at once.
class Bench {
 public:
  Bench(comm::Communicator& group, plan::Layout& layout) : group_(group), layout_(layout) {}

  comm::Communicator& group() { return group_; }
  int threads() const { return layout_.threads; }

  /// One repetition of an operation, or of several in a row: seconds of each.
  using Once = std::function<std::vector<double>()>;
  /// The lower quartile of each of once()'s figures over repetitions of about `budget_s` together, since what disturbs
  /// a measurement only ever adds to it; the mean of all ranks.
  std::vector<double> quartiles(const Once& once, double budget_s = 0.006);

  /// Measures every point of a grid and keeps the tables. @param at  makes the operation for a point; the last axis
  /// runs fastest. @param names  one table for each of once()'s figures
  void grid(const std::vector<std::string>& names, const std::vector<plan::Table::Axis>& axes,
            const std::function<Once(const std::vector<double>&)>& at);

 private:
  comm::Communicator& group_;
  plan::Layout& layout_;
};

/// Seconds that body() computes: on one thread the processor's, so that a busy login node measures right.
double timed(const std::function<void()>& body);
/// Where waiting for others is part of it.
double timed_by_the_wall(const std::function<void()>& body);

// What is measured, by subject. Each fills tables of both dtypes.
void probe_linears(Bench& bench);
void probe_attention(Bench& bench);
void probe_elementwise(Bench& bench);
void probe_updates(Bench& bench);
void probe_all_reduce(Bench& bench);

/// What a matrix product of a size not met before costs: oneDNN makes a kernel for it and keeps that.
struct ProductCost {
  double bytes = 0, seconds = 0;
};
/// @param allocated  what this process has of malloc, in bytes
ProductCost product_cost(plan::Dtype dtype, const std::function<std::uint64_t()>& allocated);

/// Runs one small layer each way in both dtypes, so that libraries are loaded and kernels made.
void warm_up();

}  // namespace pst::app
