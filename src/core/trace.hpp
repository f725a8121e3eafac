// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

/// Spans of time, for `--profile`. Whoever does something worth seeing opens a Scope around it; while nobody listens,
/// that is one look at a thread-local pointer.
///
/// Whom a thread tells is set by the owner of the thread's work, with Telling: by the training loop for the steps that
/// are asked for, by the checkpoint writer for its own thread. It is not handed through every call, since between a
/// step and a kernel lies autograd, which calls back with nothing but gradients. It is per thread and not per process,
/// so that ranks that are threads (comm/local_communicator) are told apart; backward steps carry the listener of their
/// forward along (Origin), because libtorch may run them on threads of its own.
namespace pst::trace {

enum class Kind : std::uint8_t {
  step,           ///< an optimizer step
  phase,          ///< a part of a step; all of them make up the step
  layer,          ///< a decoder layer
  linear,         ///< a product with frozen weights
  adapter,        ///< what an adapter adds to it
  attention,      ///< with rotary positions
  norm,           ///< with the residual addition
  activation,     ///< between the two halves of the MLP
  head,           ///< vocabulary projection and loss
  communication,  ///< a collective operation
  disk,           ///< parts of a checkpoint
};
inline constexpr int kKinds = 11;
const char* name_of(Kind kind);

enum class Way : std::uint8_t {
  forward,
  backward,
  again,  ///< forward once more, because its results were not kept
};

/// What a span is about. Texts outlive the scope.
struct Label {
  Kind kind = Kind::phase;
  const char* name = nullptr;   ///< nullptr: that of the scope around it
  int layer = -1;               ///< of the model; -1: that of the scope around it
  std::int64_t bytes = 0;       ///< that travel, or are written
  const char* group = nullptr;  ///< of ranks
  std::int64_t turn = 0;        ///< which of the group's collective operations
  Way way = Way::forward;       ///< inherited when it is `forward`
};

struct Span {
  Label label;
  std::int64_t begin_ns = 0, end_ns = 0;  ///< of the monotonic clock
  std::int64_t self_ns = 0;               ///< without the spans inside it
  bool in_layer = false;                  ///< inside a span of kind `layer`
};

/// Who wants to know. Called by any thread, and must not throw.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void entered(const Label& label) noexcept = 0;
  virtual void left(const Span& span) noexcept = 0;
};

class Scope;

/// Of the calling thread.
struct Here {
  Sink* sink = nullptr;
  Scope* innermost = nullptr;
};
inline constinit thread_local Here here;

/// From now to its end, a span. Scopes of a thread end in the reverse order of their beginning.
class Scope {
 public:
  explicit Scope(const Label& label) {
    if (here.sink != nullptr) [[unlikely]]
      enter(label);
  }
  Scope(Kind kind, const char* name) : Scope(Label{.kind = kind, .name = name}) {}
  ~Scope() {
    if (sink_ != nullptr) [[unlikely]]
      leave();
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  friend struct Origin;
  friend class Laps;
  void enter(const Label& label);
  void leave();

  Sink* sink_ = nullptr;
  Scope* around_ = nullptr;
  Label label_;
  bool in_layer_ = false;
  std::int64_t begin_ns_ = 0, inside_ns_ = 0;
};

/// While it lives, the calling thread tells `sink`; nullptr: nobody.
class Telling {
 public:
  explicit Telling(Sink* sink) : before_(here) {
    if (sink != before_.sink) here = {sink, nullptr};
  }
  ~Telling() { here = before_; }
  Telling(const Telling&) = delete;
  Telling& operator=(const Telling&) = delete;

 private:
  Here before_;
};

/// Where a step of backward comes from: the innermost scope at its forward.
struct Origin {
  Sink* sink = nullptr;
  Label label;
  static Origin here();
};

/// The span of that step, on whichever thread it runs.
class Backward {
 public:
  explicit Backward(const Origin& origin) : telling_(origin.sink), scope_(backward(origin.label)) {}

 private:
  static Label backward(Label label) {
    label.way = Way::backward;
    return label;
  }
  Telling telling_;
  Scope scope_;
};

/// Spans of kind `phase` one after another without gaps, as a stopwatch's laps. The scopes opened meanwhile are inside.
class Laps {
 public:
  Laps();
  void lap(const char* name);  ///< from the last call, or since it was made, to now

 private:
  std::int64_t begin_ns_ = 0, inside_ns_ = 0;
};

/// The hook for ranges of another profiler, such as NVTX: the module that knows it hands these over.
struct Ranges {
  void (*push)(const char* name) = nullptr;
  void (*pop)() = nullptr;
};

}  // namespace pst::trace
