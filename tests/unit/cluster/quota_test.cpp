// SPDX-License-Identifier: Apache-2.0
#include "cluster/quota.hpp"

#include <gmock/gmock.h>

// Rows as quota(1) of quota-tools 4 and lfs-quota(1) of Lustre 2.15 print them.
namespace pst::cluster {
namespace {

TEST(Quota, ReadsOneRow) {
  const auto quota = parse_quota(
      "Disk quotas for user ada (uid 1000): \n"
      "     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace\n"
      "      /dev/sda1    2048    4096    8192       0      12       0     100       0\n");
  ASSERT_TRUE(quota);
  EXPECT_EQ(quota->used_bytes, 2048u * 1024);
  EXPECT_EQ(quota->bytes, 8192u * 1024);
  EXPECT_EQ(quota->used_files, 12u);
  EXPECT_EQ(quota->files, 100u);
}

TEST(Quota, ReadsARowThatGoesOnInTheNextLine) {
  const auto quota = parse_quota(
      "/lustre/a/very/long/name\n"
      "                 [5000]*   4096       0    6d4h    1200*   1000       0       -\n");
  ASSERT_TRUE(quota);
  EXPECT_EQ(quota->used_bytes, 5000u * 1024);
  EXPECT_EQ(quota->bytes, 4096u * 1024) << "the soft limit, as there is no hard one";
  EXPECT_EQ(quota->files, 1000u);
}

TEST(Quota, NoneIsNoLimit) {
  const auto none = parse_quota("Disk quotas for user root (uid 0): none\n");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->limits());
  EXPECT_FALSE(parse_quota(""));
  const auto row = parse_quota("/lustre 1234 0 0 - 5 0 0 -");
  ASSERT_TRUE(row);
  EXPECT_FALSE(row->limits());
}

TEST(Quota, SaysWhoWasAsked) {
  const QuotaAnswer answer = quota_of(testing::TempDir());
  EXPECT_THAT(answer.asked, testing::AnyOf(testing::Eq("quota"), testing::Eq("lfs quota"),
                                           testing::HasSubstr("no program"), testing::HasSubstr("did not answer")));
  EXPECT_TRUE(!answer.quota || answer.asked.find("no program") == std::string::npos);
}

}  // namespace
}  // namespace pst::cluster
