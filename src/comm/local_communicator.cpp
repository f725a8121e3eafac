// SPDX-License-Identifier: Apache-2.0
#include "comm/local_communicator.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <future>
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
    for (const auto& child : children_) child->leave();
  }
  /// A meeting for some of the same threads, which ends with this one.
  std::shared_ptr<Meeting> make_child(int size) {
    const std::lock_guard lock(mutex_);
    children_.push_back(std::make_shared<Meeting>(size));
    if (left_) children_.back()->leave();
    return children_.back();
  }
  /// Where the same ranks' operations in the background meet.
  Meeting& background() {
    std::call_once(background_once_, [&] { background_ = make_child(size_); });
    return *background_;
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
  std::vector<std::shared_ptr<Meeting>> children_;
  std::once_flag background_once_;
  std::shared_ptr<Meeting> background_;
};

class LocalCommunicator final : public Communicator {
 public:
  LocalCommunicator(std::string name, int rank, int size, std::shared_ptr<Meeting> meeting)
      : Communicator(std::move(name), rank, size), meeting_(std::move(meeting)) {}

 private:
  void do_barrier() override { meeting_->wait(); }

  void do_broadcast(View inout, int root) override {
    exchange(*meeting_, inout.data, [&] {
      if (rank() != root) std::memcpy(inout.data, meeting_->slot(root), inout.bytes());
    });
  }
  void do_all_gather(ConstView mine, View all) override { gather(*meeting_, mine, all); }
  Pending do_all_gather_begin(ConstView mine, View all) override {
    last_ = std::async(std::launch::async, [this, mine, all, before = last_] {
              if (before.valid()) before.wait();
              gather(meeting_->background(), mine, all);
            }).share();
    return Pending([result = last_] { result.get(); });
  }
  void do_all_to_all(ConstView out, View in) override {
    const std::size_t share = out.bytes() / static_cast<std::size_t>(size());
    exchange(*meeting_, out.data, [&] {
      for (int from = 0; from < size(); ++from)
        std::memcpy(static_cast<std::byte*>(in.data) + static_cast<std::size_t>(from) * share,
                    static_cast<const std::byte*>(meeting_->slot(from)) + static_cast<std::size_t>(rank()) * share,
                    share);
    });
  }
  std::unique_ptr<Communicator> do_split(const std::string& name, int color) override {
    std::vector<int> colors(static_cast<std::size_t>(size()));
    exchange(*meeting_, &color, [&] {
      for (int from = 0; from < size(); ++from)
        colors[static_cast<std::size_t>(from)] = *static_cast<const int*>(meeting_->slot(from));
    });
    const auto first = static_cast<int>(std::find(colors.begin(), colors.end(), color) - colors.begin());
    const auto members = [&](int end) {
      return static_cast<int>(std::count(colors.begin(), colors.begin() + end, color));
    };
    std::shared_ptr<Meeting> part;
    if (first == rank()) part = meeting_->make_child(members(size()));
    exchange(*meeting_, &part, [&] {
      if (first != rank()) part = *static_cast<const std::shared_ptr<Meeting>*>(meeting_->slot(first));
    });
    return std::make_unique<LocalCommunicator>(name, members(rank()), members(size()), std::move(part));
  }
  void do_send(int to, ConstView out) override { meeting_->post(rank(), to, out); }
  void do_receive(int from, View in) override { meeting_->collect(from, rank(), in); }
  /// Shows `data` to the others while `copy` reads theirs.
  void exchange(Meeting& meeting, const void* data, const std::function<void()>& copy) const {
    meeting.slot(rank()) = data;
    meeting.wait();
    copy();
    meeting.wait();
  }
  void gather(Meeting& meeting, ConstView mine, View all) const {
    exchange(meeting, mine.data, [&] {
      for (int from = 0; from < size(); ++from)
        std::memcpy(static_cast<std::byte*>(all.data) + static_cast<std::size_t>(from) * mine.bytes(),
                    meeting.slot(from), mine.bytes());
    });
  }

  std::shared_ptr<Meeting> meeting_;
  std::shared_future<void> last_;  // of the operations in the background: they run one after the other
};

class SoloCommunicator final : public Communicator {
 public:
  SoloCommunicator() : Communicator("solo", 0, 1) {}

 private:
  void do_barrier() override {}
  void do_broadcast(View, int) override {}
  void do_all_gather(ConstView mine, View all) override { std::memcpy(all.data, mine.data, mine.bytes()); }
  Pending do_all_gather_begin(ConstView mine, View all) override {
    do_all_gather(mine, all);
    return {};
  }
  void do_all_to_all(ConstView out, View in) override { std::memcpy(in.data, out.data, out.bytes()); }
  std::unique_ptr<Communicator> do_split(const std::string&, int) override { return solo(); }
  void do_send(int, ConstView) override {}
  void do_receive(int, View) override {}
};

}  // namespace

std::unique_ptr<Communicator> solo() { return std::make_unique<SoloCommunicator>(); }

void run_ranks(int ranks, const std::function<void(Communicator&)>& body) {
  PST_ASSERT(ranks >= 1, "a group has at least one rank");
  const auto meeting = std::make_shared<Meeting>(ranks);
  std::mutex first_mutex;
  std::exception_ptr first;
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank)
      threads.emplace_back([&, rank] {
        LocalCommunicator group("threads", rank, ranks, meeting);
        try {
          body(group);
        } catch (...) {
          const std::lock_guard lock(first_mutex);
          if (!first) first = std::current_exception();
          meeting->leave();
        }
      });
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace pst::comm
