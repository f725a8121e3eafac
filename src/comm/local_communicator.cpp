#include "comm/local_communicator.hpp"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::comm {
namespace {

/// Where the threads of one group meet: a reusable barrier and a slot per rank for the address of its buffer.
class Meeting {
 public:
  explicit Meeting(int size) : size_(size), slots_(static_cast<std::size_t>(size), nullptr) {}

  /// Waits for all; @throws Error(transient) once a rank has left for good.
  void wait() {
    std::unique_lock lock(mutex_);
    if (left_) fail();
    const auto round = round_;
    if (++arrived_ == size_) {
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
      return;
    }
    changed_.wait(lock, [&] { return round_ != round || left_; });
    if (round_ == round) fail();
  }
  void post(int from, int to, ConstView out) {
    const auto* const begin = static_cast<const std::byte*>(out.data);
    const std::lock_guard lock(mutex_);
    mail_[{from, to}].emplace_back(begin, begin + out.bytes());
    changed_.notify_all();
  }
  void collect(int from, int to, View in) {
    std::unique_lock lock(mutex_);
    auto& box = mail_[{from, to}];
    changed_.wait(lock, [&] { return !box.empty() || left_; });
    if (box.empty()) fail();
    PST_ASSERT(box.front().size() == in.bytes(), "both sides agree on the length of a message");
    std::memcpy(in.data, box.front().data(), in.bytes());
    box.pop_front();
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
    changed_.notify_all();
  }
  const void*& slot(int rank) { return slots_[static_cast<std::size_t>(rank)]; }

 private:
  [[noreturn]] static void fail() { throw Error(Fault::transient, "another rank of the group has failed"); }
  const int size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  std::uint64_t round_ = 0;
  bool left_ = false;
  std::vector<const void*> slots_;
  std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> mail_;
};

class LocalCommunicator final : public Communicator {
 public:
  LocalCommunicator(int rank, int size, Meeting& meeting) : Communicator("threads", rank, size), meeting_(meeting) {}

 private:
  void do_barrier() override { meeting_.wait(); }

  void do_broadcast(View inout, int root) override {
    exchange(inout.data, [&] {
      if (rank() != root) std::memcpy(inout.data, meeting_.slot(root), inout.bytes());
    });
  }
  void do_all_gather(ConstView mine, View all) override {
    exchange(mine.data, [&] {
      for (int from = 0; from < size(); ++from)
        std::memcpy(static_cast<std::byte*>(all.data) + static_cast<std::size_t>(from) * mine.bytes(),
                    meeting_.slot(from), mine.bytes());
    });
  }
  void do_all_to_all(ConstView out, View in) override {
    const std::size_t share = out.bytes() / static_cast<std::size_t>(size());
    exchange(out.data, [&] {
      for (int from = 0; from < size(); ++from)
        std::memcpy(static_cast<std::byte*>(in.data) + static_cast<std::size_t>(from) * share,
                    static_cast<const std::byte*>(meeting_.slot(from)) + static_cast<std::size_t>(rank()) * share,
                    share);
    });
  }
  void do_send(int to, ConstView out) override { meeting_.post(rank(), to, out); }
  void do_receive(int from, View in) override { meeting_.collect(from, rank(), in); }
  /// Shows `data` to the others while `copy` reads theirs.
  void exchange(const void* data, const std::function<void()>& copy) {
    meeting_.slot(rank()) = data;
    meeting_.wait();
    copy();
    meeting_.wait();
  }

  Meeting& meeting_;
};

class SoloCommunicator final : public Communicator {
 public:
  SoloCommunicator() : Communicator("solo", 0, 1) {}

 private:
  void do_barrier() override {}
  void do_broadcast(View, int) override {}
  void do_all_gather(ConstView mine, View all) override { std::memcpy(all.data, mine.data, mine.bytes()); }
  void do_all_to_all(ConstView out, View in) override { std::memcpy(in.data, out.data, out.bytes()); }
  void do_send(int, ConstView) override {}
  void do_receive(int, View) override {}
};

}  // namespace

std::unique_ptr<Communicator> solo() { return std::make_unique<SoloCommunicator>(); }

void run_ranks(int ranks, const std::function<void(Communicator&)>& body) {
  PST_ASSERT(ranks >= 1, "a group has at least one rank");
  Meeting meeting(ranks);
  std::mutex first_mutex;
  std::exception_ptr first;
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank)
      threads.emplace_back([&, rank] {
        LocalCommunicator group(rank, ranks, meeting);
        try {
          body(group);
        } catch (...) {
          const std::lock_guard lock(first_mutex);
          if (!first) first = std::current_exception();
          meeting.leave();
        }
      });
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace pst::comm
