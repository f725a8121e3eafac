// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/nccl_communicator.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <vector>

#include "comm_nccl/meeting.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::comm {
namespace {

/// Empty where CUDA does not say.
std::string pci_bus_id(const CudaApi& cuda, int device) {
  std::array<char, 32> text{};
  const bool said = cuda.device_pci_bus_id(text.data(), static_cast<int>(text.size()), device) == CudaApi::kSuccess;
  return said ? text.data() : "";
}

/// One stream of this process beside the caller's: operations in the background run there, of all groups in turn.
class SideStream {
 public:
  explicit SideStream(NcclWatch& watch) : watch_(watch) {
    watch.check_cuda(watch.cuda().stream_create(&stream_, CudaApi::kNonBlockingStream), "cudaStreamCreateWithFlags");
  }
  ~SideStream() { watch_.cuda().stream_destroy(stream_); }
  SideStream(const SideStream&) = delete;
  SideStream& operator=(const SideStream&) = delete;
  CudaApi::Stream get() const { return stream_; }

 private:
  NcclWatch& watch_;
  CudaApi::Stream stream_ = nullptr;
};

/// NCCL's threads may store a handle after we have given up making it: its place stays.
void keep_for_good(std::shared_ptr<nccl::Comm> place) {
  static std::mutex mutex;
  static auto* const places = new std::vector<std::shared_ptr<nccl::Comm>>;
  const std::lock_guard lock(mutex);
  places->push_back(std::move(place));
}

class NcclCommunicator final : public Communicator {
 public:
  /// @param members  world's rank of each of the group's
  NcclCommunicator(std::string name, int rank, int size, std::shared_ptr<NcclWatch> watch, int device,
                   std::vector<int> members, const std::function<nccl::Result(nccl::Comm*)>& make)
      : Communicator(std::move(name), rank, size, {DeviceKind::cuda, device}),
        watch_(std::move(watch)),
        members_(std::move(members)),
        comm_(std::make_shared<nccl::Comm>(nullptr)) {
    for (const int member : members_)
      if (member != watch_->me()) others_.push_back(member);
    NcclWatch::Work work = work_of(cat("making the group '", this->name(), "'"), watch_->options().init_deadline_s);
    try {
      watch_->call("ncclCommInitRankConfig or ncclCommSplit", work, [&] {
        const nccl::Result result = make(comm_.get());
        adopt_once();
        return result;
      });
      work.comm = adopted_;
      watch_->wait_ready(*comm_, work);
      adopt_once();
      watch_->check_cuda(watch_->cuda().malloc(&scratch_, scratch_bytes()), "cudaMalloc");
      side_.emplace(*watch_);
    } catch (...) {
      adopt_once();  // what NCCL has stored meanwhile is to be aborted with the rest
      keep_for_good(comm_);
      throw;
    }
  }

  ~NcclCommunicator() override {
    if (scratch_ != nullptr) watch_->cuda().free(scratch_);
    if (watch_->failed()) return;  // aborted with the others
    const NcclWatch::Work work = work_of(cat("ending the group '", name(), "'"), watch_->options().abort_deadline_s);
    try {
      if (std::uncaught_exceptions() > 0) {  // the peers may be elsewhere: no farewell
        watch_->release(*comm_);
        watch_->call("ncclCommAbort", work, [&] { return watch_->nccl().comm_abort(*comm_); });
        return;
      }
      watch_->call("ncclCommFinalize", work, [&] { return watch_->nccl().comm_finalize(*comm_); });
      watch_->wait_ready(*comm_, work);
      watch_->release(*comm_);
      watch_->call("ncclCommDestroy", work, [&] { return watch_->nccl().comm_destroy(*comm_); });
    } catch (const Error& error) {
      watch_->options().warn(cat("a group of GPUs did not end in order: ", error.message()));
    }
  }

 private:
  /// A split's handle is stored by a thread of NCCL's, at any time: it is read once, and what was read is adopted.
  void adopt_once() {
    if (adopted_ != nullptr) return;
    adopted_ = __atomic_load_n(comm_.get(), __ATOMIC_ACQUIRE);
    if (adopted_ != nullptr) watch_->adopt(adopted_);
  }
  std::size_t scratch_bytes() const { return sizeof(std::int32_t) * 2 * static_cast<std::size_t>(size() + 1); }

  NcclWatch::Work work_of(std::string what, double deadline_s) const {
    return {.comm = *comm_,
            .what = std::move(what),
            .awaited = others_,
            .begun = monotonic_seconds(),
            .deadline_s = deadline_s};
  }
  NcclWatch::Work operation(std::string what) const {
    return work_of(std::move(what), watch_->options().operation_deadline_s);
  }

  /// Queues `body` on `stream` and has its end watched.
  NcclWatch::Token queue(NcclWatch::Work work, const char* call, CudaApi::Stream stream,
                         const std::function<nccl::Result()>& body) {
    watch_->begin_operation();
    if (watch_->call(call, work, body) == nccl::kInProgress) watch_->wait_ready(*comm_, work);
    watch_->check_cuda(watch_->cuda().event_create(&work.event, CudaApi::kEventWithoutTiming),
                       "cudaEventCreateWithFlags");
    const NcclWatch::Token token = watch_->watch(std::move(work));
    watch_->check_cuda(watch_->cuda().event_record(token->event, stream), "cudaEventRecord");
    return token;
  }
  void run(const char* what, const char* call, const std::function<nccl::Result(CudaApi::Stream)>& body,
           std::optional<int> peer = std::nullopt) {
    const CudaApi::Stream stream = watch_->options().stream();
    NcclWatch::Work work = operation(what);
    if (peer) work.awaited = {members_[static_cast<std::size_t>(*peer)]};
    watch_->wait(queue(std::move(work), call, stream, [&] { return body(stream); }));
  }
  void check_memory(ConstView view) const {
    PST_ASSERT(view.device == device(),
               "a group of GPUs moves the memory of this rank's GPU; host memory goes over the group of hosts");
  }

  void gather_scratch(std::size_t bytes) {
    auto* const all = static_cast<std::byte*>(scratch_);
    run("barrier", "ncclAllGather", [&](CudaApi::Stream stream) {
      return watch_->nccl().all_gather(all + bytes * static_cast<std::size_t>(size()), all, bytes, nccl::kInt8, *comm_,
                                       stream);
    });
  }

  void do_barrier() override { gather_scratch(sizeof(std::int32_t)); }

  void do_broadcast(View inout, int root) override {
    check_memory(inout);
    run("broadcast", "ncclBroadcast", [&](CudaApi::Stream stream) {
      return watch_->nccl().broadcast(inout.data, inout.data, inout.bytes(), nccl::kInt8, root, *comm_, stream);
    });
  }

  void do_all_gather(ConstView mine, View all) override {
    check_memory(mine);
    check_memory(all);
    run("all_gather", "ncclAllGather", [&](CudaApi::Stream stream) {
      return watch_->nccl().all_gather(mine.data, all.data, mine.bytes(), nccl::kInt8, *comm_, stream);
    });
  }

  Pending do_all_gather_begin(ConstView mine, View all) override {
    check_memory(mine);
    check_memory(all);
    const CudaApi& cuda = watch_->cuda();
    const CudaApi::Stream stream = watch_->options().stream();
    after(stream, side_->get());  // what is sent is made there, and the last reader of `all` is there
    const NcclWatch::Token token = queue(operation("all_gather_begin"), "ncclAllGather", side_->get(), [&] {
      return watch_->nccl().all_gather(mine.data, all.data, mine.bytes(), nccl::kInt8, *comm_, side_->get());
    });
    return Pending([watch = watch_, &cuda, token] {
      watch->throw_if_failed();
      watch->check_cuda(cuda.stream_wait_event(watch->options().stream(), token->event, 0), "cudaStreamWaitEvent");
      watch->leave(token);
    });
  }

  void do_all_to_all(ConstView out, View in) override {
    check_memory(out);
    check_memory(in);
    const std::size_t share = out.bytes() / static_cast<std::size_t>(size());
    run("all_to_all", "ncclSend and ncclRecv", [&](CudaApi::Stream stream) {
      return grouped([&](nccl::Result& worst) {
        for (int peer = 0; peer < size() && worst == nccl::kSuccess; ++peer) {
          const std::size_t at = share * static_cast<std::size_t>(peer);
          note(worst, watch_->nccl().send(static_cast<const std::byte*>(out.data) + at, share, nccl::kInt8, peer,
                                          *comm_, stream));
          note(worst,
               watch_->nccl().receive(static_cast<std::byte*>(in.data) + at, share, nccl::kInt8, peer, *comm_, stream));
        }
      });
    });
  }
  void do_send(int to, ConstView out) override {
    check_memory(out);
    run(
        "send", "ncclSend",
        [&](CudaApi::Stream stream) {
          return watch_->nccl().send(out.data, out.bytes(), nccl::kInt8, to, *comm_, stream);
        },
        to);
  }
  void do_receive(int from, View in) override {
    check_memory(in);
    run(
        "receive", "ncclRecv",
        [&](CudaApi::Stream stream) {
          return watch_->nccl().receive(in.data, in.bytes(), nccl::kInt8, from, *comm_, stream);
        },
        from);
  }

  std::unique_ptr<Communicator> do_split(const std::string& name, int color) override {
    const std::vector<int> colors = gather(color);
    std::vector<int> members;
    int rank = 0;
    for (int other = 0; other < size(); ++other) {
      if (colors[static_cast<std::size_t>(other)] != color) continue;
      if (other == this->rank()) rank = static_cast<int>(members.size());
      members.push_back(members_[static_cast<std::size_t>(other)]);
    }
    const int size_of_part = static_cast<int>(members.size());
    return std::make_unique<NcclCommunicator>(
        name, rank, size_of_part, watch_, device().index, std::move(members), [this, color](nccl::Comm* part) {
          nccl::Config config;
          return watch_->nccl().comm_split(*comm_, color, this->rank(), part, &config);
        });
  }

  /// One number of every rank, by way of the GPU.
  std::vector<int> gather(std::int32_t mine) {
    auto* const sent = static_cast<std::byte*>(scratch_) + sizeof(mine) * static_cast<std::size_t>(size());
    watch_->check_cuda(watch_->cuda().memcpy(sent, &mine, sizeof mine, CudaApi::kToDevice), "cudaMemcpy");
    gather_scratch(sizeof mine);
    std::vector<int> all(static_cast<std::size_t>(size()));
    watch_->check_cuda(watch_->cuda().memcpy(all.data(), scratch_, sizeof(int) * all.size(), CudaApi::kToHost),
                       "cudaMemcpy");
    return all;
  }

  static void note(nccl::Result& worst, nccl::Result result) {
    if (result != nccl::kSuccess && result != nccl::kInProgress) worst = result;
  }
  nccl::Result grouped(const std::function<void(nccl::Result&)>& body) {
    nccl::Result worst = nccl::kSuccess;
    note(worst, watch_->nccl().group_start());
    body(worst);
    const nccl::Result end = watch_->nccl().group_end();
    return worst != nccl::kSuccess ? worst : end;
  }
  /// What `later` queues from now on comes after what `earlier` has queued so far.
  void after(CudaApi::Stream earlier, CudaApi::Stream later) {
    const CudaApi& cuda = watch_->cuda();
    CudaApi::Event event = nullptr;
    watch_->check_cuda(cuda.event_create(&event, CudaApi::kEventWithoutTiming), "cudaEventCreateWithFlags");
    const CudaApi::Error recorded = cuda.event_record(event, earlier);
    const CudaApi::Error waited = recorded == CudaApi::kSuccess ? cuda.stream_wait_event(later, event, 0) : recorded;
    cuda.event_destroy(event);  // CUDA keeps it until it is no longer needed
    watch_->check_cuda(waited, "cudaStreamWaitEvent");
  }

  std::shared_ptr<NcclWatch> watch_;
  const std::vector<int> members_;
  std::vector<int> others_;
  std::shared_ptr<nccl::Comm> comm_;
  nccl::Comm adopted_ = nullptr;  // nullptr: not yet
  void* scratch_ = nullptr;
  std::optional<SideStream> side_;
};

}  // namespace

std::unique_ptr<Communicator> nccl_communicator(Communicator& host, NcclApi nccl, CudaApi cuda, int device,
                                                NcclOptions options) {
  const Meeting met = meet(host, nccl, pci_bus_id(cuda, device), options.warn);
  std::vector<int> members(static_cast<std::size_t>(host.size()));
  for (int rank = 0; rank < host.size(); ++rank) members[static_cast<std::size_t>(rank)] = rank;
  auto watch =
      std::make_shared<NcclWatch>(std::move(nccl), std::move(cuda), device, met.peers, host.rank(), std::move(options));
  watch->check_cuda(watch->cuda().set_device(device), "cudaSetDevice");
  return std::make_unique<NcclCommunicator>(
      "gpus", host.rank(), host.size(), watch, device, std::move(members), [&](nccl::Comm* made) {
        nccl::Config config;
        return watch->nccl().comm_init_rank_config(made, host.size(), met.id, host.rank(), &config);
      });
}

}  // namespace pst::comm
