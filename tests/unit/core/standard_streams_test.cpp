// SPDX-License-Identifier: Apache-2.0
#include "core/standard_streams.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <iostream>
#include <sstream>

namespace pst {
namespace {

TEST(StandardStreams, PrintNothingThatATerminalObeys) {
  std::ostringstream seen;
  std::streambuf* const before = std::cout.rdbuf(seen.rdbuf());
  {
    const StandardStreams streams;
    std::cout << "\x1b[2J";
  }
  std::cout << "\x1b";
  std::cout.rdbuf(before);
  EXPECT_EQ(seen.str(), "?[2J\x1b");
}

/// What the next file that is opened is called when a standard stream was closed; 100 more when that can be used.
int next_descriptor_without(int closed) {
  ::close(closed);
  const StandardStreams streams;
  const int next = ::open("/dev/null", O_RDWR);
  char byte = 'x';
  const bool usable = closed == 0 ? ::read(0, &byte, 1) >= 0 : ::write(closed, &byte, 1) >= 0;
  return usable ? 100 + next : next;
}

TEST(StandardStreams, NoFileThatIsOpenedBecomesAClosedOne) {
  for (const int closed : {0, 1, 2})
    EXPECT_EXIT(
        std::_Exit(next_descriptor_without(closed)),
        [](int status) { return WIFEXITED(status) && WEXITSTATUS(status) > 2 && WEXITSTATUS(status) < 100; }, "")
        << closed;
}

}  // namespace
}  // namespace pst
