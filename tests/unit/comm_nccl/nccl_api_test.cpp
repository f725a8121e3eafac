// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/nccl_api.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include "comm_nccl/cuda_api.hpp"
#include "core/error.hpp"

namespace pst::comm {
namespace {

using testing::HasSubstr;

TEST(NcclApi, ALibraryThatIsNotThereHasARemedy) {
  try {
    load_nccl("/nowhere/libnccl.so.2");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unfit);
    EXPECT_THAT(error.message(), HasSubstr("/nowhere/libnccl.so.2"));
    EXPECT_THAT(error.remedy(), testing::AllOf(HasSubstr("PST_NCCL_LIBRARY"), HasSubstr("train.device: cpu")));
  }
}

TEST(NcclApi, ALibraryThatIsNotNcclIsToldByTheFunctionThatItLacks) {
  try {
    load_nccl("libm.so.6");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unfit);
    EXPECT_EQ(error.message(), "libm.so.6 has no ncclGetVersion");
  }
}

TEST(NcclApi, Versions) {
  EXPECT_EQ(nccl_version_text(22809), "2.28.9");
  EXPECT_EQ(nccl_version_text(2708), "2.7.8");
  EXPECT_EQ(check_nccl_version(21800), "");
  EXPECT_EQ(check_nccl_version(22802), "");
  EXPECT_EQ(check_nccl_version(22809), "");
  for (const int version : {22803, 22808}) EXPECT_THAT(check_nccl_version(version), HasSubstr("use 2.28.9 or newer"));
  EXPECT_THROW(check_nccl_version(21705), Error);
  EXPECT_THROW(check_nccl_version(2708), Error);
  EXPECT_THROW(check_nccl_version(30001), Error);
}

/// The library itself, where there is one: needs no GPU, and shows that the table fits it.
TEST(NcclApi, TheRealOneHasAllThatWeCall) {
  const char* found = nullptr;
  for (const char* const name :
       {"libnccl.so.2", "/usr/local/cuda/lib64/libnccl.so.2", "/usr/local/cuda/lib/libnccl.so.2"})
    if (::dlopen(name, RTLD_NOW | RTLD_LOCAL) != nullptr) {
      found = name;
      break;
    }
  if (found == nullptr) GTEST_SKIP() << "there is no libnccl.so.2 on this machine";

  const NcclApi api = load_nccl(found);

  int version = 0;
  EXPECT_EQ(api.get_version(&version), nccl::kSuccess);
  EXPECT_GE(version, 21800);
  EXPECT_STREQ(api.get_error_string(nccl::kSuccess), "no error");
  // A group of one asks for a GPU: on a machine without one, for what its absence is called.
  nccl::Comm comm = nullptr;
  nccl::Config config;
  nccl::UniqueId id;
  if (api.get_unique_id(&id) != nccl::kSuccess) GTEST_SKIP() << "NCCL finds no network interface here";
  const nccl::Result made = api.comm_init_rank_config(&comm, 1, id, 0, &config);
  if (made == nccl::kSuccess || made == nccl::kInProgress)
    api.comm_abort(comm);
  else
    EXPECT_EQ(made, nccl::kUnhandledCudaError) << api.get_last_error(nullptr);
}

TEST(CudaApi, TheRealOneHasAllThatWeCall) {
  try {
    const CudaApi cuda = load_cuda_runtime();
    EXPECT_STREQ(cuda.get_error_string(CudaApi::kSuccess), "no error");
    EXPECT_THAT(cuda.get_error_string(CudaApi::kNotReady), HasSubstr("not ready"));
  } catch (const Error& error) {
    EXPECT_THAT(error.remedy(), HasSubstr("CUDA wheels of torch"));
    GTEST_SKIP() << error.message();
  }
}

}  // namespace
}  // namespace pst::comm
