// SPDX-License-Identifier: Apache-2.0
#include "comm/communicator.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trace.hpp"

namespace pst::comm {

void Communicator::numbered(const char* operation, std::int64_t values, std::size_t bytes,
                            const std::function<void()>& body) {
  ++sequence_;
  if (size_ == 1 && values == 0) return;
  const trace::Scope span({.kind = trace::Kind::communication,
                           .name = operation,
                           .bytes = static_cast<std::int64_t>(bytes),
                           .group = name_.c_str(),
                           .turn = sequence_});
  try {
    body();
  } catch (Error& error) {
    error.add_context(where(operation, sequence_, values));
    throw;
  }
}

std::string Communicator::where(const char* operation, std::int64_t number, std::int64_t values) const {
  return cat(operation, " #", number, " of ", values, " values in group '", name_, "' (rank ", rank_, " of ", size_,
             ")");
}

void Communicator::barrier() {
  if (size_ == 1) return;
  numbered("barrier", 0, 0, [&] { do_barrier(); });
}

void Communicator::broadcast(View inout, int root) {
  PST_ASSERT(root >= 0 && root < size_, "the root is a rank of the group");
  if (size_ == 1 || inout.count == 0) return;
  numbered("broadcast", inout.count, inout.bytes(), [&] { do_broadcast(inout, root); });
}

void Communicator::all_gather(ConstView mine, View all) {
  PST_ASSERT(all.count == mine.count * size_ && all.dtype == mine.dtype, "the result holds every rank's share");
  if (mine.count == 0) return;
  numbered("all_gather", mine.count, mine.bytes(), [&] { do_all_gather(mine, all); });
}

Pending Communicator::all_gather_begin(ConstView mine, View all) {
  PST_ASSERT(all.count == mine.count * size_ && all.dtype == mine.dtype, "the result holds every rank's share");
  if (mine.count == 0) return {};
  Pending under_way;
  numbered("all_gather_begin", mine.count, mine.bytes(), [&] { under_way = do_all_gather_begin(mine, all); });
  if (!under_way.open()) return {};
  return Pending([this, under_way = std::make_shared<Pending>(std::move(under_way)), number = sequence_,
                  count = mine.count] {
    const trace::Scope span({.kind = trace::Kind::communication, .name = "all_gather_wait", .group = name_.c_str()});
    try {
      under_way->wait();
    } catch (Error& error) {
      error.add_context(where("all_gather_begin", number, count));
      throw;
    }
  });
}

std::unique_ptr<Communicator> Communicator::split(const std::string& name, int color) {
  PST_ASSERT(color >= 0, "a color is a number from 0");
  ++sequence_;
  return do_split(name, color);
}

void Communicator::all_to_all(ConstView out, View in) {
  PST_ASSERT(out.count == in.count && out.dtype == in.dtype && out.count % size_ == 0,
             "both sides hold one share per rank");
  if (out.count == 0) return;
  numbered("all_to_all", out.count, out.bytes(), [&] { do_all_to_all(out, in); });
}

void Communicator::send(int to, ConstView out) {
  PST_ASSERT(to >= 0 && to < size_ && to != rank_, "a message goes to another rank of the group");
  do_send(to, out);
}

void Communicator::receive(int from, View in) {
  PST_ASSERT(from >= 0 && from < size_ && from != rank_, "a message comes from another rank of the group");
  do_receive(from, in);
}

std::string broadcast_text(Communicator& group, const std::string& text) {
  std::int64_t length = static_cast<std::int64_t>(text.size());
  group.broadcast(view_of(std::span(&length, 1)), 0);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(length));
  if (group.is_root()) std::copy(text.begin(), text.end(), bytes.begin());
  group.broadcast(view_of(std::span(bytes)), 0);
  return {bytes.begin(), bytes.end()};
}

void together(Communicator& group, const std::string& action, const std::function<void()>& body) {
  std::exception_ptr mine;
  std::string message, remedy;
  std::int32_t fault = -1;
  try {
    doing(action, body);
  } catch (const Error& error) {
    mine = std::current_exception();
    fault = static_cast<std::int32_t>(error.fault());
    message = error.message();
    remedy = error.remedy();
  }

  std::vector<std::int32_t> faults(static_cast<std::size_t>(group.size()), -1);
  group.all_gather(const_view_of(std::span<const std::int32_t>(&fault, 1)), view_of(std::span(faults)));
  const auto failed = std::find_if(faults.begin(), faults.end(), [](std::int32_t f) { return f >= 0; });
  if (failed == faults.end()) return;
  const int culprit = static_cast<int>(failed - faults.begin());

  constexpr std::size_t kLongest = 2048;  // fixed, so that the culprit need not announce a length first
  std::vector<std::uint8_t> text(2 * kLongest, 0);
  if (group.rank() == culprit) {
    std::copy_n(message.begin(), std::min(message.size(), kLongest - 1), text.begin());
    std::copy_n(remedy.begin(), std::min(remedy.size(), kLongest - 1), text.begin() + kLongest);
  }
  group.broadcast(view_of(std::span(text)), culprit);
  if (mine) std::rethrow_exception(mine);
  const auto part = [&](std::size_t begin) { return std::string(reinterpret_cast<const char*>(text.data() + begin)); };
  Error error(static_cast<Fault>(*failed), cat("rank ", culprit, " of ", group.size(), " failed: ", part(0)),
              part(kLongest));
  error.add_context(action);
  throw error;
}

}  // namespace pst::comm
