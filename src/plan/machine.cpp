// SPDX-License-Identifier: Apache-2.0
#include "plan/machine.hpp"

#include <algorithm>
#include <cstdlib>
#include <tuple>

namespace pst::plan {

const Layout* Machine::layout(int ranks, int threads) const {
  const auto distance = [&](const Layout& l) {
    return std::tuple(std::abs(l.threads - threads), std::abs(l.ranks - ranks));
  };
  const auto best = std::min_element(layouts.begin(), layouts.end(),
                                     [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  return best == layouts.end() ? nullptr : &*best;
}

Machine merged(Machine into, Machine from) {
  for (auto& old : into.layouts) {
    const bool replaced = std::any_of(from.layouts.begin(), from.layouts.end(), [&](const Layout& fresh) {
      return fresh.ranks == old.ranks && fresh.threads == old.threads;
    });
    if (!replaced) from.layouts.push_back(std::move(old));
  }
  if (!from.inside) from.inside = std::move(into.inside);
  if (!from.between) from.between = std::move(into.between);
  return from;
}

}  // namespace pst::plan
