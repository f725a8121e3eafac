// SPDX-License-Identifier: Apache-2.0
#include "core/trace.hpp"

#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

namespace pst::trace {
namespace {

class Listener final : public Sink {
 public:
  void entered(const Label&) noexcept override { ++entered_; }
  void left(const Span& span) noexcept override { spans.push_back(span); }
  std::vector<Span> spans;
  int entered_ = 0;
};

TEST(Trace, TellsNobodyUnlessSomebodyListens) {
  Listener listener;
  { const Scope scope(Kind::layer, "layer"); }
  {
    const Telling telling(&listener);
    std::thread([] { const Scope scope(Kind::layer, "layer"); }).join();  // a thread of its own
  }
  { const Scope scope(Kind::layer, "layer"); }

  EXPECT_TRUE(listener.spans.empty());
}

TEST(Trace, InnerSpansInheritAndAreTakenOffTheOwnTime) {
  Listener listener;
  {
    const Telling telling(&listener);
    const Scope step(Kind::step, "step");
    const Scope layer({.kind = Kind::layer, .layer = 7});
    const Scope adapter(Kind::adapter, "q_proj");
    const Scope frozen(Kind::linear, nullptr);
  }

  ASSERT_EQ(listener.spans.size(), 4u);  // in the order in which they end
  const auto& [frozen, adapter, layer] = std::tie(listener.spans[0], listener.spans[1], listener.spans[2]);
  EXPECT_STREQ(frozen.label.name, "q_proj");
  EXPECT_EQ(frozen.label.layer, 7);
  EXPECT_TRUE(frozen.in_layer);
  EXPECT_FALSE(layer.in_layer);
  const auto length = [](const Span& span) { return span.end_ns - span.begin_ns; };
  EXPECT_EQ(adapter.self_ns, length(adapter) - length(frozen));
  EXPECT_EQ(layer.self_ns, length(layer) - length(adapter));
  EXPECT_STREQ(layer.label.name, "layer");
  EXPECT_EQ(listener.entered_, 4);
}

TEST(Trace, AProductInsideTheHeadIsTheHeads) {
  Listener listener;
  {
    const Telling telling(&listener);
    const Scope head(Kind::head, "head");
    const Scope product(Kind::linear, "linear");
  }

  EXPECT_EQ(listener.spans.front().label.kind, Kind::head);
}

TEST(Trace, BackwardTellsTheListenerOfItsForwardOnAnyThread) {
  Listener listener;
  Origin origin;
  {
    const Telling telling(&listener);
    const Scope layer({.kind = Kind::layer, .layer = 3});
    const Scope norm(Kind::norm, "norm");
    origin = Origin::here();
  }
  listener.spans.clear();

  std::thread([&] { const Backward span(origin); }).join();

  ASSERT_EQ(listener.spans.size(), 1u);
  EXPECT_STREQ(listener.spans[0].label.name, "norm");
  EXPECT_EQ(listener.spans[0].label.layer, 3);
  EXPECT_EQ(listener.spans[0].label.way, Way::backward);
}

TEST(Trace, LapsFollowEachOtherWithoutGaps) {
  Listener listener;
  {
    const Telling telling(&listener);
    const Scope step(Kind::step, "step");
    Laps laps;
    { const Scope norm(Kind::norm, "norm"); }
    laps.lap("forward");
    laps.lap("backward");
  }

  ASSERT_EQ(listener.spans.size(), 4u);
  const Span &norm = listener.spans[0], &forward = listener.spans[1], &backward = listener.spans[2];
  EXPECT_EQ(forward.end_ns, backward.begin_ns);
  EXPECT_EQ(forward.self_ns, forward.end_ns - forward.begin_ns - (norm.end_ns - norm.begin_ns));
  EXPECT_EQ(backward.self_ns, backward.end_ns - backward.begin_ns);
}

TEST(Trace, SilencesAndComesBack) {
  Listener outer, inner;
  {
    const Telling telling(&outer);
    const Scope around(Kind::phase, "around");
    {
      const Telling other(&inner);
      const Scope scope(Kind::norm, "norm");
    }
    const Scope after(Kind::norm, "after");
  }

  EXPECT_EQ(inner.spans.size(), 1u);
  EXPECT_EQ(outer.spans.size(), 2u);
  EXPECT_EQ(here.sink, nullptr);
  EXPECT_EQ(here.innermost, nullptr);
}

}  // namespace
}  // namespace pst::trace
