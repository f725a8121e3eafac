// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <functional>
#include <thread>

#include "comm/communicator.hpp"

namespace pst::fixture {

/// A group whose gathers in the background arrive as late as over a link of `bytes_per_s`, one after the other.
class SlowLink final : public comm::Communicator {
 public:
  using Clock = std::chrono::steady_clock;
  using OnBegin = std::function<void(Clock::time_point arrival)>;

  /// @param on_begin  told of each gather that is begun, and when it will be there
  SlowLink(
      comm::Communicator& inner, double bytes_per_s, OnBegin on_begin = [](auto) {})
      : Communicator(inner.name(), inner.rank(), inner.size()),
        inner_(inner),
        bytes_per_s_(bytes_per_s),
        on_begin_(std::move(on_begin)) {}

  int under_way() const { return under_way_; }  ///< gathers that were begun and not waited for

 private:
  comm::Pending do_all_gather_begin(ConstView mine, View all) override {
    const double seconds = static_cast<double>(all.bytes() - mine.bytes()) / bytes_per_s_;
    free_at_ = std::max(free_at_, Clock::now()) +
               std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    on_begin_(free_at_);
    ++under_way_;
    auto real = std::make_shared<comm::Pending>(inner_.all_gather_begin(mine, all));
    return comm::Pending([this, real, arrival = free_at_] {
      real->wait();
      std::this_thread::sleep_until(arrival);
      --under_way_;
    });
  }
  void do_barrier() override { inner_.barrier(); }
  void do_broadcast(View inout, int root) override { inner_.broadcast(inout, root); }
  void do_all_gather(ConstView mine, View all) override { inner_.all_gather(mine, all); }
  void do_all_to_all(ConstView out, View in) override { inner_.all_to_all(out, in); }
  std::unique_ptr<comm::Communicator> do_split(const std::string& name, int color) override {
    return inner_.split(name, color);
  }
  void do_send(int to, ConstView out) override { inner_.send(to, out); }
  void do_receive(int from, View in) override { inner_.receive(from, in); }

  comm::Communicator& inner_;
  double bytes_per_s_;
  OnBegin on_begin_;
  Clock::time_point free_at_{};
  int under_way_ = 0;
};

}  // namespace pst::fixture
