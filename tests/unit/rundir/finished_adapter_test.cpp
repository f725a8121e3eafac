// SPDX-License-Identifier: Apache-2.0
#include "rundir/finished_adapter.hpp"

#include <gmock/gmock.h>

#include "support/errors.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::rundir {
namespace {

TEST(AFinishedAdapter, IsThatOfACompletedRunOnly) {
  const fixture::TemporaryDirectory dir;
  const RunDir run = fixture::new_run(dir.path(), "x");
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { finished_adapter(run); }),
              testing::HasSubstr("no finished adapter"));

  fixture::finish(run);

  EXPECT_EQ(finished_adapter(run), run.adapter());
}

}  // namespace
}  // namespace pst::rundir
