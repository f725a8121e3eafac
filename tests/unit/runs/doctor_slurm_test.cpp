// SPDX-License-Identifier: Apache-2.0
#include "runs/doctor_slurm.hpp"

#include <gmock/gmock.h>

namespace pst::runs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(DoctorSlurm, PiecesOfLongLinesFindTogether) {
  EXPECT_THAT(by_task(" 0: {\"a\":\n10: {\"b\": \n 0: 1}\n10: 2}\n"),
              ElementsAre(Pair("0", "{\"a\":1}"), Pair("10", "{\"b\": 2}")));
}

TEST(DoctorSlurm, PluginsInTheWordsOfSeveralVersions) {
  EXPECT_THAT(mpi_plugins_in("MPI plugin types are...\n\tcray_shasta\n\tpmi2\n\tpmix\n\tpmix_v4\n\tnone\n"),
              ElementsAre("cray_shasta", "none", "pmi2", "pmix", "pmix_v4"));
  EXPECT_THAT(mpi_plugins_in("srun: MPI types are...\nsrun: none\nsrun: pmix_v3\n"), ElementsAre("none", "pmix_v3"));
  EXPECT_THAT(
      mpi_plugins_in(
          "MPI plugin types are...\n\tnone\n\tpmix\nspecific pmix plugin versions available: pmix_v4,pmix_v5\n"),
      ElementsAre("none", "pmix", "pmix_v4", "pmix_v5"));
  EXPECT_THAT(mpi_plugins_in(""), IsEmpty());
}

}  // namespace
}  // namespace pst::runs
