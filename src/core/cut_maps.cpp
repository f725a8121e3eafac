// SPDX-License-Identifier: Apache-2.0
#include "core/cut_maps.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string_view>

#include "core/error.hpp"
#include "core/printable.hpp"

namespace pst::cut_maps {
namespace {

struct Watched {
  std::atomic<std::uintptr_t> begin{0};  ///< 0: nothing is watched here
  std::atomic<std::size_t> size{0};
  std::atomic<bool> read_zeros{false}, cut{false};
  std::array<char, 512> file{};
};

constexpr std::size_t kMost = 1024;  ///< more than a model has shards
std::array<Watched, kMost> all;
std::mutex mutex;                  ///< of who changes them; the handler only reads
std::atomic<std::size_t> used{0};  ///< places that were ever taken
struct sigaction before;
std::uintptr_t page_bytes = 4096;

void say(std::string_view text) {
  if (::write(2, text.data(), text.size()) < 0) return;  // there is nobody else to tell
}

/// In a signal handler: no memory, no locks, no stdio.
void on_bus_error(int, siginfo_t* info, void*) {
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (std::size_t i = 0; i < used; ++i) {
    Watched& map = all[i];
    const std::uintptr_t begin = map.begin;
    if (begin == 0 || at < begin || at - begin >= map.size) continue;
    if (map.read_zeros) {
      map.cut = true;
      const std::uintptr_t from = at / page_bytes * page_bytes;
      void* const zeros = ::mmap(reinterpret_cast<void*>(from), begin + map.size - from, PROT_READ,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      if (zeros != MAP_FAILED) return;  // the read is done again
    }
    say("error[data]: ");
    say(map.file.data());
    say(" became shorter while it was read, or its disk failed\n  try: wait until it is whole, then start again\n");
    ::_exit(exit_status(Fault::data));
  }
  ::sigaction(SIGBUS, &before, nullptr);  // none of ours: the read is done again, and answered as it was before
}

void install() {
  page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGBUS, &action, &before);
}

}  // namespace

int watch(const std::byte* data, std::size_t size, const std::string& file, bool read_zeros) {
  static std::once_flag once;
  std::call_once(once, install);
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < kMost; ++i) {
    Watched& map = all[i];
    if (map.begin != 0) continue;
    map.cut = false;
    map.read_zeros = read_zeros;
    map.size = size;
    std::strncpy(map.file.data(), printable(file).c_str(), map.file.size() - 1);
    map.begin = reinterpret_cast<std::uintptr_t>(data);
    if (used <= i) used = i + 1;
    return static_cast<int>(i);
  }
  return -1;
}

bool was_cut(int watched) { return watched >= 0 && all[static_cast<std::size_t>(watched)].cut; }

void forget(int watched) {
  if (watched < 0) return;
  const std::lock_guard lock(mutex);
  all[static_cast<std::size_t>(watched)].begin = 0;
}

}  // namespace pst::cut_maps
