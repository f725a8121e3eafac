// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/view.hpp"

namespace pst::comm {

/// An operation under way; its buffers belong to it until wait() has returned.
class Pending {
 public:
  Pending() = default;  ///< nothing to wait for
  explicit Pending(std::function<void()> wait) : wait_(std::move(wait)) {}

  bool open() const { return static_cast<bool>(wait_); }
  /// Returns when the operation is over; at once when it was waited for before. @throws Error(transient) when it failed
  void wait() {
    if (const auto once = std::exchange(wait_, nullptr)) once();
  }

 private:
  std::function<void()> wait_;
};

/// A named group of ranks. Every rank calls the same operations in the same order, with equal counts. Calls block, but
/// for those whose name ends in `begin`. Not thread-safe. A failed group stays failed: nobody waits for the dead.
/// Buffers are memory of the group's device.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }
  const std::string& name() const { return name_; }
  Device device() const { return device_; }  ///< where buffers have to lie: the CPU, or this rank's GPU

  // Public calls are not virtual: they check, number and name themselves in errors.
  void barrier();
  void broadcast(View inout, int root);
  /// @param all  [size * mine.count], the ranks' shares in order
  void all_gather(ConstView mine, View all);
  /// The same without waiting: the result is there after wait(). Goes on while the caller computes.
  Pending all_gather_begin(ConstView mine, View all);
  /// Share r of `out` goes to rank r; share r of `in` comes from rank r. Both [size * share].
  void all_to_all(ConstView out, View in);
  /// The ranks that give the same `color`, in this group's order; collective. It must not outlive this group's session.
  std::unique_ptr<Communicator> split(const std::string& name, int color);
  // The two that are not for all: one rank sends, the other receives. For measurements, not for the loop.
  void send(int to, ConstView out);
  void receive(int from, View in);

 protected:
  Communicator(std::string name, int rank, int size, Device device = {})
      : name_(std::move(name)), rank_(rank), size_(size), device_(device) {}

 private:
  void numbered(const char* operation, std::int64_t values, std::size_t bytes, const std::function<void()>& body);
  std::string where(const char* operation, std::int64_t number, std::int64_t values) const;
  virtual void do_barrier() = 0;  // a backend writes only these
  virtual void do_broadcast(View inout, int root) = 0;
  virtual void do_all_gather(ConstView mine, View all) = 0;
  virtual Pending do_all_gather_begin(ConstView mine, View all) = 0;
  virtual void do_all_to_all(ConstView out, View in) = 0;
  virtual std::unique_ptr<Communicator> do_split(const std::string& name, int color) = 0;
  virtual void do_send(int to, ConstView out) = 0;
  virtual void do_receive(int from, View in) = 0;

  std::string name_;
  int rank_, size_;
  Device device_;
  std::int64_t sequence_ = 0;
};

/// Runs `body` on every rank; if any of them threw, every rank throws: the failing rank its own error, the others one
/// that names the lowest failing rank and repeats its message and fault.
void together(Communicator& group, const std::string& action, const std::function<void()>& body);

/// Rank 0's text, on every rank.
std::string broadcast_text(Communicator& group, const std::string& text);

}  // namespace pst::comm
