// SPDX-License-Identifier: Apache-2.0
#include "app/probe_bench.hpp"

#include <time.h>

#include <algorithm>
#include <span>

#include "core/clock.hpp"
#include "ops/torch_exec.hpp"

namespace pst::app {

namespace {

/// Of this process. With one thread it is the time on a core of its own, whatever else the machine does meanwhile.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

double timed(const std::function<void()>& body) {
  const auto clock = ops::threads() == 1 ? cpu_seconds : monotonic_seconds;
  const double began = clock();
  body();
  return clock() - began;
}

double timed_by_the_wall(const std::function<void()>& body) {
  const double began = monotonic_seconds();
  body();
  return monotonic_seconds() - began;
}

std::vector<double> Bench::quartiles(const Once& once, double budget_s) {
  constexpr double kNone_s = 0.05, kOne_s = 0.02, kMost = 100;
  once();  // caches, kernels made just in time
  group_.barrier();
  std::vector<std::vector<double>> figures;
  const double trial = timed([&] { figures.push_back(once()); });
  // What takes long is steady, and the whole is to be done in half a minute.
  auto more = static_cast<std::int32_t>(trial > kNone_s  ? 0
                                        : trial > kOne_s ? 1
                                                         : std::clamp(budget_s / std::max(trial, 1e-7), 2.0, kMost));
  group_.broadcast(view_of(std::span(&more, 1)), 0);  // some operations need all ranks
  while (more-- > 0) figures.push_back(once());
  std::vector<double> quartiles(figures.front().size());
  for (std::size_t i = 0; i < quartiles.size(); ++i) {
    std::vector<double> one;
    for (const auto& repetition : figures) one.push_back(repetition[i]);
    std::sort(one.begin(), one.end());
    quartiles[i] = std::max(1e-9, one[(one.size() - 1) / 4]);
  }
  if (group_.size() == 1) return quartiles;
  std::vector<double> all(quartiles.size() * static_cast<std::size_t>(group_.size()));
  group_.all_gather(const_view_of(std::span<const double>(quartiles)), view_of(std::span(all)));
  for (std::size_t i = 0; i < quartiles.size(); ++i) {
    quartiles[i] = 0;
    for (std::size_t r = 0; r < static_cast<std::size_t>(group_.size()); ++r)
      quartiles[i] += all[r * quartiles.size() + i];
    quartiles[i] /= group_.size();
  }
  return quartiles;
}

void Bench::grid(const std::vector<std::string>& names, const std::vector<plan::Table::Axis>& axes,
                 const std::function<Once(const std::vector<double>&)>& at) {
  std::vector<std::vector<double>> seconds(names.size());
  std::vector<std::size_t> place(axes.size(), 0);
  for (bool more = true; more;) {
    std::vector<double> sizes;
    for (std::size_t a = 0; a < axes.size(); ++a) sizes.push_back(axes[a].points[place[a]]);
    const auto figures = quartiles(at(sizes));
    for (std::size_t i = 0; i < names.size(); ++i) seconds[i].push_back(figures.at(i));
    more = false;
    for (std::size_t a = axes.size(); a-- > 0 && !more;) {
      if (++place[a] < axes[a].points.size())
        more = true;
      else
        place[a] = 0;
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    layout_.tables.insert_or_assign(names[i], plan::Table(names[i], axes, std::move(seconds[i])));
}

}  // namespace pst::app
