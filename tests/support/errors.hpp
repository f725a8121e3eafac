// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gmock/gmock.h>

#include <string>

#include "core/error.hpp"

namespace pst::fixture {

/// The report of the Error that `body` throws; a test failure and "" when it throws none, or one of another fault.
template <class Body>
std::string error_of(Fault fault, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_STREQ(name_of(error.fault()), name_of(fault)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

}  // namespace pst::fixture
