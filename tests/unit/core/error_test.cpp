// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <new>
#include <stdexcept>

#include "core/strings.hpp"

namespace pst {
namespace {

TEST(Error, TellsReasonActionsAndRemedyInOrder) {
  try {
    doing("saving checkpoint", [] {
      doing("writing shards", []() -> void { throw Error(Fault::io, "cannot write x: No space left", "free 1 GiB"); });
    });
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "error[io]: cannot write x: No space left\n  while writing shards\n  while saving checkpoint\n"
                 "  try: free 1 GiB");
  }
}

TEST(Error, ForeignExceptionsBecomeBugsWithContext) {
  try {
    doing("thinking", []() -> void { throw std::runtime_error("no idea"); });
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::bug);
    EXPECT_THAT(error.what(), testing::HasSubstr("no idea\n  while thinking"));
  }
}

TEST(Error, AMissOfMemoryIsNoBugAndKeepsItsKindOnTheWayOut) {
  const auto told = [](const std::function<void()>& body) {
    try {
      doing("training", [&] { doing("step 3", body); });
    } catch (const OutOfMemory& error) {
      return std::string(error.what());
    } catch (const Error& error) {
      return cat("not told: ", error.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_THAT(told([] { throw std::bad_alloc(); }),
              testing::HasSubstr("error[usage]: out of memory\n  while step 3\n  while training"));
  EXPECT_THAT(
      told([] {
        throw std::runtime_error("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...\nException raised");
      }),
      testing::HasSubstr("error[usage]: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...\n  while"));
  EXPECT_THAT(told([] { throw std::runtime_error("CUBLAS_STATUS_NOT_SUPPORTED"); }), testing::HasSubstr("not told"));
}

TEST(Error, OnlyTransientFaultsAskForARetry) {
  EXPECT_EQ(exit_status(Fault::usage), 64);
  EXPECT_EQ(exit_status(Fault::data), 65);
  EXPECT_EQ(exit_status(Fault::unfit), 69);
  EXPECT_EQ(exit_status(Fault::io), 75);
  EXPECT_EQ(exit_status(Fault::transient), 75);
  EXPECT_EQ(exit_status(Fault::stopped), 76);
}

}  // namespace
}  // namespace pst
