#include "config/problems.hpp"

#include "core/strings.hpp"

namespace pst::config {

std::string Mark::text() const {
  const std::string name = source ? *source : std::string("input");
  if (line <= 0) return name;
  return column > 0 ? cat(name, ":", line, ":", column) : cat(name, ":", line);
}

void Problems::add(const Mark& where, const std::string& what) {
  ++count_;
  if (lines_.size() < kShown) lines_.push_back(cat(where.text(), ": ", what));
}

void Problems::throw_if_any(Fault fault) const {
  if (empty()) return;
  std::string all = join(lines_, "\n");
  if (count_ > lines_.size()) all += cat("\n... and ", count_ - lines_.size(), " more");
  throw Error(fault, cat(all, " (", count_, count_ == 1 ? " problem" : " problems", ", nothing started)"));
}

}  // namespace pst::config
