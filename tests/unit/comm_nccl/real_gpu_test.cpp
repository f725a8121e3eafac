// SPDX-License-Identifier: Apache-2.0
// NCCL and the CUDA runtime themselves, where there is a GPU: a group of one. NCCL refuses two ranks on one GPU, so
// this shows that the calls, their types, the order on streams and the ends are right, and nothing of what goes between
// GPUs.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "comm/local_communicator.hpp"
#include "comm_nccl/nccl_communicator.hpp"
#include "core/error.hpp"

namespace pst::comm {
namespace {

/// Memory of GPU 0 with integers in it.
class OnGpu {
 public:
  OnGpu(const CudaApi& cuda, const std::vector<std::int32_t>& values) : cuda_(cuda), count_(values.size()) {
    EXPECT_EQ(cuda_.malloc(&data_, bytes()), CudaApi::kSuccess);
    EXPECT_EQ(cuda_.memcpy(data_, values.data(), bytes(), CudaApi::kToDevice), CudaApi::kSuccess);
  }
  ~OnGpu() { cuda_.free(data_); }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;

  View view() { return {data_, static_cast<std::int64_t>(count_), Dtype::i32, {DeviceKind::cuda, 0}}; }
  std::vector<std::int32_t> values() const {
    std::vector<std::int32_t> host(count_);
    EXPECT_EQ(cuda_.memcpy(host.data(), data_, bytes(), CudaApi::kToHost), CudaApi::kSuccess);
    return host;
  }

 private:
  std::size_t bytes() const { return count_ * sizeof(std::int32_t); }
  const CudaApi& cuda_;
  std::size_t count_;
  void* data_ = nullptr;
};

class RealGpu : public testing::Test {
 protected:
  void SetUp() override {
    try {
      cuda = load_cuda_runtime();
      nccl = load_nccl();
    } catch (const Error& error) {
      GTEST_SKIP() << error.message();
    }
    if (const CudaApi::Error set = cuda.set_device(0); set != CudaApi::kSuccess)
      GTEST_SKIP() << "no GPU: " << cuda.get_error_string(set);
  }
  static std::vector<std::int32_t> counted() {
    std::vector<std::int32_t> values(1000);
    std::iota(values.begin(), values.end(), -7);
    return values;
  }

  CudaApi cuda;
  NcclApi nccl;
  std::unique_ptr<Communicator> host = solo();
};

TEST_F(RealGpu, EveryOperationOfAGroupOfOne) {
  std::vector<std::string> warnings;
  NcclOptions options;
  options.warn = [&](const std::string& text) { warnings.push_back(text); };
  const auto group = nccl_communicator(*host, nccl, cuda, 0, options);
  OnGpu from(cuda, counted()), to(cuda, std::vector<std::int32_t>(1000, 0));

  group->barrier();
  group->broadcast(from.view(), 0);
  EXPECT_EQ(from.values(), counted());
  group->all_gather(from.view(), to.view());
  EXPECT_EQ(to.values(), counted());

  OnGpu beside(cuda, std::vector<std::int32_t>(1000, 0));
  Pending pending = group->all_gather_begin(from.view(), beside.view());
  pending.wait();
  group->barrier();  // blocks until the stream, which waits for the gathering, is through
  EXPECT_EQ(beside.values(), counted());

  OnGpu shares(cuda, std::vector<std::int32_t>(1000, 0));
  group->all_to_all(from.view(), shares.view());
  EXPECT_EQ(shares.values(), counted());
  EXPECT_TRUE(warnings.empty()) << warnings.front();
}

TEST_F(RealGpu, APartOfAGroup) {
  const auto group = nccl_communicator(*host, nccl, cuda, 0);
  const auto part = group->split("node", 3);
  ASSERT_EQ(part->size(), 1);
  OnGpu from(cuda, counted()), to(cuda, std::vector<std::int32_t>(1000, 0));
  part->all_gather(from.view(), to.view());
  EXPECT_EQ(to.values(), counted());
}

}  // namespace
}  // namespace pst::comm
