// SPDX-License-Identifier: Apache-2.0
#include "console/text_table.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace pst::console {
namespace {

TEST(TextTable, ACellIsOneLineThatATerminalDoesNotObey) {
  std::ostringstream out;

  print_table(out, {{"RUN", "STATE"}, {"a\x1b]0;title\x07\nfake  completed", "failed"}, {"ü", "running"}});

  EXPECT_EQ(out.str(),
            "RUN                          STATE\n"
            "a?]0;title??fake  completed  failed\n"
            "ü                            running\n");
}

}  // namespace
}  // namespace pst::console
