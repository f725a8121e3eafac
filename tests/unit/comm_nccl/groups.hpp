// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "comm_nccl/nccl_communicator.hpp"
#include "core/strings.hpp"
#include "unit/comm_nccl/fake_gpus.hpp"

namespace pst::comm::fixture {

inline constexpr Device kGpu{DeviceKind::cuda, 0};

template <class T>
View on_gpu(std::vector<T>& values) {
  View view = view_of(std::span(values));
  view.device = kGpu;
  return view;
}

/// Long enough for a busy machine, short enough for a test that waits for it.
inline NcclOptions quick() {
  NcclOptions options;
  options.init_deadline_s = options.operation_deadline_s = 0.4;
  options.abort_deadline_s = 5;
  options.roll_call_s = 1;
  return options;
}
inline NcclOptions patient() { return {}; }

inline std::unique_ptr<Communicator> group_of(Communicator& host, const std::shared_ptr<FakeGpus>& gpus,
                                              NcclOptions options) {
  return nccl_communicator(host, gpus->nccl(host.rank()), gpus->cuda(), 0, std::move(options));
}

/// A folder for the roll call of one test.
class RollCallFolder {
 public:
  RollCallFolder() : path_(std::filesystem::temp_directory_path() / cat("pst-roll-call-", ::getpid(), "-", ++made_)) {}
  ~RollCallFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  inline static int made_ = 0;
  std::filesystem::path path_;
};

}  // namespace pst::comm::fixture
