// SPDX-License-Identifier: Apache-2.0
#include "unit/comm_nccl/fake_gpus.hpp"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

namespace pst::comm::fixture {
namespace {

thread_local int this_gpu = -1;  // set_device() of a rank's thread; its watch is not asked for streams

using Lock = std::lock_guard<std::recursive_mutex>;

}  // namespace

void FakeGpus::report(nccl::Result error, std::string message) {
  const Lock lock(mutex_);
  error_ = error;
  message_ = std::move(message);
}

nccl::Comm FakeGpus::make_handle(std::shared_ptr<Group> group, int rank) {
  const auto comm = reinterpret_cast<nccl::Comm>(next_ += 16);
  handles_[comm] = {.group = std::move(group), .rank = rank};
  ++alive;
  return comm;
}

FakeGpus::Handle* FakeGpus::use(nccl::Comm comm) {
  const auto found = handles_.find(comm);
  if (found == handles_.end() || found->second.gone) {
    ++misused;
    return nullptr;
  }
  return &found->second;
}

std::shared_ptr<FakeGpus::Op> FakeGpus::queue(nccl::Comm comm, nccl::Stream stream) {
  auto op = std::make_shared<Op>();
  op->comm = comm;
  streams_[{this_gpu, stream}].push_back(op);
  handles_[comm].busy = 2;  // non-blocking calls return before the work is queued
  return op;
}

nccl::Result FakeGpus::collective(nccl::Comm comm, const void* from, void* to, nccl::Stream stream,
                                  const std::function<void(std::map<int, Part>&)>& body) {
  const Lock lock(mutex_);
  Handle* const handle = use(comm);
  if (handle == nullptr) return nccl::kInvalidArgument;
  auto& parts = handle->group->collectives[handle->turn++];
  parts[handle->rank] = {from, to, queue(comm, stream)};
  if (static_cast<int>(parts.size()) == handle->group->size) {
    body(parts);
    for (auto& [rank, part] : parts) part.op->done = true;
  }
  return nccl::kInProgress;
}

void FakeGpus::match(Group& group, std::pair<int, int> way, std::size_t bytes) {
  auto& sent = group.sent[way];
  auto& wanted = group.wanted[way];
  while (!sent.empty() && !wanted.empty()) {
    std::memcpy(wanted.front().to, sent.front().data, bytes);
    sent.front().op->done = wanted.front().op->done = true;
    sent.erase(sent.begin());
    wanted.erase(wanted.begin());
  }
}

NcclApi FakeGpus::nccl(int rank) {
  NcclApi api;
  const auto self = shared_from_this();
  api.get_version = [self](int* to) {
    *to = self->version;
    return nccl::kSuccess;
  };
  api.get_unique_id = [self](nccl::UniqueId* id) {
    const Lock lock(self->mutex_);
    std::memcpy(id->internal, &++self->next_, sizeof self->next_);
    return nccl::kSuccess;
  };
  api.comm_init_rank_config = [self, rank](nccl::Comm* comm, int ranks, nccl::UniqueId id, int me,
                                           nccl::Config* config) {
    if (config->blocking != 0 || me != rank) return nccl::kInvalidUsage;
    const Lock lock(self->mutex_);
    auto& group = self->by_id_[std::string(id.internal, sizeof id.internal)];
    if (!group) group = std::make_shared<Group>();
    group->size = ranks;
    ++group->arrived;
    *comm = self->make_handle(group, me);
    return nccl::kInProgress;
  };
  api.comm_split = [self](nccl::Comm comm, int color, int, nccl::Comm* part, nccl::Config*) {
    const Lock lock(self->mutex_);
    Handle* const handle = self->use(comm);
    if (handle == nullptr) return nccl::kInvalidArgument;
    Group& group = *handle->group;
    auto& splits = group.splits[handle->split_turn++];
    splits[handle->rank] = {color, part};
    if (static_cast<int>(splits.size()) < group.size) return nccl::kInProgress;
    std::map<int, std::shared_ptr<Group>> parts;
    for (const auto& [member, split] : splits) {
      auto& made = parts[split.color];
      if (!made) made = std::make_shared<Group>();
      const int its_rank = made->size++;
      made->arrived = made->size;
      const nccl::Comm fresh = self->make_handle(made, its_rank);
      if (self->split_takes_s == 0) {
        __atomic_store_n(split.place, fresh, __ATOMIC_RELEASE);
        continue;
      }
      std::thread([place = split.place, fresh, after_s = self->split_takes_s.load()] {
        std::this_thread::sleep_for(std::chrono::duration<double>(after_s));
        __atomic_store_n(place, fresh, __ATOMIC_RELEASE);
      }).detach();
    }
    return nccl::kInProgress;
  };
  api.comm_finalize = [self](nccl::Comm comm) {
    const Lock lock(self->mutex_);
    return self->use(comm) == nullptr ? nccl::kInvalidArgument : nccl::kSuccess;
  };
  const auto end = [self](nccl::Comm comm) {
    const Lock lock(self->mutex_);
    Handle* const handle = self->use(comm);
    if (handle == nullptr) return nccl::kInvalidArgument;
    handle->gone = true;
    --self->alive;
    return nccl::kSuccess;
  };
  api.comm_destroy = end;
  api.comm_abort = [self, end](nccl::Comm comm) {
    std::this_thread::sleep_for(std::chrono::duration<double>(self->abort_takes_s));
    ++self->aborts;
    return end(comm);
  };
  api.comm_get_async_error = [self](nccl::Comm comm, nccl::Result* state) {
    const Lock lock(self->mutex_);
    Handle* const handle = self->use(comm);
    if (handle == nullptr) return nccl::kInvalidArgument;
    const bool busy = handle->group->arrived < handle->group->size || (handle->busy > 0 && handle->busy-- > 0);
    *state = self->error_ != nccl::kSuccess ? self->error_ : busy ? nccl::kInProgress : nccl::kSuccess;
    return nccl::kSuccess;
  };
  api.get_error_string = [](nccl::Result result) {
    return result == nccl::kRemoteError ? "remote process exited or there was a network error" : "some error";
  };
  api.get_last_error = [self](nccl::Comm) {
    const Lock lock(self->mutex_);
    return self->message_.c_str();
  };
  api.broadcast = [self](const void* from, void* to, std::size_t count, nccl::DataType, int root, nccl::Comm comm,
                         nccl::Stream stream) {
    return self->collective(comm, from, to, stream, [&](auto& parts) {
      for (auto& [member, part] : parts)
        if (member != root) std::memcpy(part.to, parts.at(root).from, count);
    });
  };
  api.all_gather = [self](const void* from, void* to, std::size_t count, nccl::DataType, nccl::Comm comm,
                          nccl::Stream stream) {
    return self->collective(comm, from, to, stream, [&](auto& parts) {
      for (auto& [member, part] : parts)
        for (auto& [other, theirs] : parts)
          std::memmove(static_cast<std::byte*>(part.to) + static_cast<std::size_t>(other) * count, theirs.from, count);
    });
  };
  api.send = [self](const void* from, std::size_t count, nccl::DataType, int peer, nccl::Comm comm,
                    nccl::Stream stream) {
    const Lock lock(self->mutex_);
    Handle* const handle = self->use(comm);
    if (handle == nullptr) return nccl::kInvalidArgument;
    handle->group->sent[{handle->rank, peer}].push_back({from, self->queue(comm, stream)});
    match(*handle->group, {handle->rank, peer}, count);
    return nccl::kInProgress;
  };
  api.receive = [self](void* to, std::size_t count, nccl::DataType, int peer, nccl::Comm comm, nccl::Stream stream) {
    const Lock lock(self->mutex_);
    Handle* const handle = self->use(comm);
    if (handle == nullptr) return nccl::kInvalidArgument;
    handle->group->wanted[{peer, handle->rank}].push_back({nullptr, to, self->queue(comm, stream)});
    match(*handle->group, {peer, handle->rank}, count);
    return nccl::kInProgress;
  };
  api.group_start = [] { return nccl::kSuccess; };
  api.group_end = [] { return nccl::kInProgress; };
  return api;
}

CudaApi FakeGpus::cuda() {
  CudaApi api;
  const auto self = shared_from_this();
  api.set_device = [self](int) {
    static std::atomic<int> gpus = 0;
    if (this_gpu < 0) this_gpu = gpus++;
    return CudaApi::kSuccess;
  };
  api.get_error_string = [](CudaApi::Error) { return "an illegal memory access was encountered"; };
  api.device_pci_bus_id = [self](char* text, int bytes, int) {
    std::snprintf(text, static_cast<std::size_t>(bytes), "0000:%02x:00.0", self->one_gpu ? 0x17 : ++self->asked_for);
    return CudaApi::kSuccess;
  };
  api.stream_create = [self](CudaApi::Stream* stream, unsigned) {
    const Lock lock(self->mutex_);
    *stream = reinterpret_cast<void*>(self->next_ += 16);
    return CudaApi::kSuccess;
  };
  api.stream_destroy = [](CudaApi::Stream) { return CudaApi::kSuccess; };
  api.stream_wait_event = [self](CudaApi::Stream stream, CudaApi::Event event, unsigned) {
    const Lock lock(self->mutex_);
    const Queue& before = self->recorded_.at(event);
    Queue& queue = self->streams_[{this_gpu, stream}];
    queue.insert(queue.end(), before.begin(), before.end());
    return CudaApi::kSuccess;
  };
  api.event_create = [self](CudaApi::Event* event, unsigned) {
    const Lock lock(self->mutex_);
    *event = reinterpret_cast<void*>(self->next_ += 16);
    self->recorded_[*event];
    ++self->events;
    return CudaApi::kSuccess;
  };
  api.event_destroy = [self](CudaApi::Event event) {
    const Lock lock(self->mutex_);
    self->events -= static_cast<int>(self->recorded_.erase(event));
    return CudaApi::kSuccess;
  };
  api.event_record = [self](CudaApi::Event event, CudaApi::Stream stream) {
    const Lock lock(self->mutex_);
    self->recorded_.at(event) = self->streams_[{this_gpu, stream}];
    return CudaApi::kSuccess;
  };
  api.event_query = [self](CudaApi::Event event) {
    const Lock lock(self->mutex_);
    for (const auto& op : self->recorded_.at(event))
      if (!op->done && !self->handles_[op->comm].gone) return CudaApi::kNotReady;  // an abort ends its kernels
    return CudaApi::kSuccess;
  };
  api.malloc = [](void** memory, std::size_t bytes) {
    *memory = ::operator new(bytes);
    return CudaApi::kSuccess;
  };
  api.free = [](void* memory) {
    ::operator delete(memory);
    return CudaApi::kSuccess;
  };
  api.memcpy = [](void* to, const void* from, std::size_t bytes, int) {
    std::memcpy(to, from, bytes);
    return CudaApi::kSuccess;
  };
  return api;
}

}  // namespace pst::comm::fixture
