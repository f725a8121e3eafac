// SPDX-License-Identifier: Apache-2.0
#include "core/trace.hpp"

#include <time.h>

namespace pst::trace {
namespace {

std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{1000000000} * time.tv_sec + time.tv_nsec;
}

}  // namespace

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::step: return "step";
    case Kind::phase: return "phase";
    case Kind::layer: return "layer";
    case Kind::linear: return "linear";
    case Kind::adapter: return "adapter";
    case Kind::attention: return "attention";
    case Kind::norm: return "norm";
    case Kind::activation: return "activation";
    case Kind::head: return "head";
    case Kind::communication: return "communication";
    case Kind::disk: return "disk";
  }
  return "?";
}

void Scope::enter(const Label& label) {
  sink_ = here.sink;
  around_ = here.innermost;
  label_ = label;
  if (around_ != nullptr) {
    const Label& outer = around_->label_;
    if (label_.name == nullptr && label_.kind == Kind::linear) label_.name = outer.name;
    if (label_.layer < 0) label_.layer = outer.layer;
    if (label_.way == Way::forward) label_.way = outer.way;
    if (outer.kind == Kind::head && label_.kind == Kind::linear) label_.kind = Kind::head;
    in_layer_ = around_->in_layer_ || outer.kind == Kind::layer;
  }
  if (label_.name == nullptr) label_.name = trace::name_of(label_.kind);
  here.innermost = this;
  sink_->entered(label_);
  begin_ns_ = now_ns();
}

void Scope::leave() {
  const std::int64_t end_ns = now_ns();
  here.innermost = around_;
  if (around_ != nullptr) around_->inside_ns_ += end_ns - begin_ns_;
  sink_->left({label_, begin_ns_, end_ns, end_ns - begin_ns_ - inside_ns_, in_layer_});
}

Origin Origin::here() {
  const Here& thread = trace::here;
  if (thread.sink == nullptr) return {};
  Origin origin{.sink = thread.sink, .label = {}};
  if (thread.innermost != nullptr) origin.label = thread.innermost->label_;
  return origin;
}

Laps::Laps() {
  if (here.sink == nullptr) return;
  begin_ns_ = now_ns();
  if (here.innermost != nullptr) inside_ns_ = here.innermost->inside_ns_;
}

void Laps::lap(const char* name) {
  if (here.sink == nullptr || begin_ns_ == 0) return;
  const std::int64_t end_ns = now_ns();
  const std::int64_t inside_ns = here.innermost != nullptr ? here.innermost->inside_ns_ : 0;
  const std::int64_t self_ns = end_ns - begin_ns_ - (inside_ns - inside_ns_);
  here.sink->left({{.kind = Kind::phase, .name = name}, begin_ns_, end_ns, self_ns, false});
  begin_ns_ = end_ns;
  inside_ns_ = inside_ns;
}

}  // namespace pst::trace
