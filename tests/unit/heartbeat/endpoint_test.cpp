// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/endpoint.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "core/error.hpp"
#include "core/file.hpp"
#include "support/temporary_directory.hpp"

namespace pst::heartbeat {
namespace {

TEST(Endpoint, SurvivesItsFileWhichOnlyTheOwnerReads) {
  const fixture::TemporaryDirectory dir;
  const Endpoint endpoint{.host = "n1", .addresses = {"10.0.0.1", "::1"}, .port = 4711, .token = new_token()};

  write_endpoint(dir / "heartbeat.json", endpoint);
  const Endpoint read = read_endpoint(dir / "heartbeat.json");

  EXPECT_EQ(read.host, endpoint.host);
  EXPECT_EQ(read.addresses, endpoint.addresses);
  EXPECT_EQ(read.port, endpoint.port);
  EXPECT_EQ(read.token, endpoint.token);
  struct stat info {};
  ASSERT_EQ(::stat((dir / "heartbeat.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(Endpoint, APrivateSocketHasAPathAndNoPort) {
  const fixture::TemporaryDirectory dir;
  write_endpoint(dir / "heartbeat.json", {.host = "n1", .addresses = {"/runs/a/heartbeat/socket"}, .token = "t"});
  const Endpoint read = read_endpoint(dir / "heartbeat.json");
  EXPECT_EQ(read.addresses, std::vector<std::string>{"/runs/a/heartbeat/socket"});
  EXPECT_EQ(read.port, 0);
}

TEST(Endpoint, ADamagedFileIsRefusedByName) {
  const fixture::TemporaryDirectory dir;
  for (const char* text :
       {"", "[]", "{}", R"({"host":"h","token":"t","addresses":["a"]})",
        R"({"host":"h","token":"t","port":0,"addresses":["a"]})",
        R"({"host":"h","token":"t","port":7,"addresses":["/a/socket"]})",
        R"({"host":"h","token":"t","port":99999,"addresses":["a"]})",
        R"({"host":"h","token":"t","port":1,"addresses":[]})", R"({"host":"h","token":"t","port":1,"addresses":[1]})",
        R"({"host":1,"token":"t","port":1,"addresses":["a"]})"}) {
    SCOPED_TRACE(text);
    write_durably(dir / "heartbeat.json", text);
    try {
      read_endpoint(dir / "heartbeat.json");
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_THAT(error.message(), testing::HasSubstr("heartbeat.json"));
    }
  }
}

TEST(Endpoint, TokensDiffer) {
  EXPECT_EQ(new_token().size(), 32u);
  EXPECT_NE(new_token(), new_token());
}

}  // namespace
}  // namespace pst::heartbeat
