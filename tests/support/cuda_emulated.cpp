// SPDX-License-Identifier: Apache-2.0
#include "support/cuda_emulated.hpp"

#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace pst::emulated {
namespace {

enum class State { ready, at_block_barrier, at_warp_barrier, gone };
constexpr std::size_t kStack = 128 * 1024;

struct Fiber {
  ucontext_t context;
  std::unique_ptr<unsigned char[]> stack = std::make_unique<unsigned char[]>(kStack);
  State state = State::ready;
  unsigned mask = 0;
};
struct Warp {
  alignas(16) unsigned char slots[32][16];
};

ucontext_t scheduler;
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Warp> warps;
const std::function<void()>* body_of_run = nullptr;
unsigned current = 0;

[[noreturn]] void stop(const char* what) {
  std::fprintf(stderr, "emulated GPU: %s (block %u, thread %u of %u)\n", what, block_index.x, current, block_size.x);
  std::abort();
}

void thread_main() {
  (*body_of_run)();
  fibers[current]->state = State::gone;
  ::swapcontext(&fibers[current]->context, &scheduler);
}

void yield(State state) {
  fibers[current]->state = state;
  ::swapcontext(&fibers[current]->context, &scheduler);
}

/// Lets go those whose barrier is complete. @return whether there were any
bool release(unsigned threads) {
  bool any = false, all = true;
  for (unsigned t = 0; t < threads; ++t)
    all = all && (fibers[t]->state == State::at_block_barrier || fibers[t]->state == State::gone);
  if (all) {
    for (unsigned t = 0; t < threads; ++t)
      if (fibers[t]->state == State::at_block_barrier) {
        fibers[t]->state = State::ready;
        any = true;
      }
    return any;
  }
  for (unsigned t = 0; t < threads; ++t) {
    if (fibers[t]->state != State::at_warp_barrier) continue;
    const unsigned first = t / 32 * 32, mask = fibers[t]->mask;
    bool complete = true;
    for (unsigned lane = 0; lane < 32; ++lane) {
      if ((mask >> lane & 1u) == 0) continue;
      if (first + lane >= threads || fibers[first + lane]->state == State::gone) {
        current = t;
        stop("a lane of the mask has left, or never was");
      }
      complete =
          complete && fibers[first + lane]->state == State::at_warp_barrier && fibers[first + lane]->mask == mask;
    }
    if (!complete) continue;
    for (unsigned lane = 0; lane < 32; ++lane)
      if ((mask >> lane & 1u) != 0) fibers[first + lane]->state = State::ready;
    any = true;
  }
  return any;
}

void run_block(unsigned threads) {
  for (unsigned t = 0; t < threads; ++t) {
    Fiber& fiber = *fibers[t];
    ::getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = nullptr;
    ::makecontext(&fiber.context, thread_main, 0);
    fiber.state = State::ready;
  }
  for (;;) {
    bool left = false;
    for (unsigned t = 0; t < threads; ++t) {
      if (fibers[t]->state != State::ready) continue;
      current = t;
      thread_index = {t, 0, 0};
      ::swapcontext(&scheduler, &fibers[t]->context);
    }
    for (unsigned t = 0; t < threads; ++t) left = left || fibers[t]->state != State::gone;
    if (!left) return;
    if (!release(threads)) stop("threads wait at barriers that the others do not reach");
  }
}

}  // namespace

void run(std::int64_t blocks, int threads, const std::function<void()>& body) {
  const auto count = static_cast<unsigned>(threads);
  if (threads <= 0 || threads > 1024 || blocks > 0x7fffffff) stop("no GPU takes this launch");
  while (fibers.size() < count) fibers.push_back(std::make_unique<Fiber>());
  warps.resize((count + 31) / 32);
  body_of_run = &body;
  block_size = {count, 1, 1};
  grid_size = {static_cast<unsigned>(blocks), 1, 1};
  for (unsigned block = 0; block < grid_size.x; ++block) {
    block_index = {block, 0, 0};
    run_block(count);
  }
}

void block_barrier() { yield(State::at_block_barrier); }
void warp_barrier(unsigned mask) {
  if ((mask >> (current % 32) & 1u) == 0) stop("a lane that is not in its own mask");
  fibers[current]->mask = mask;
  yield(State::at_warp_barrier);
}
unsigned char* warp_slot(unsigned lane) { return warps[current / 32].slots[lane]; }

}  // namespace pst::emulated
