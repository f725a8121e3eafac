// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/endpoint.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "heartbeat/private_socket.hpp"
#include "json/object.hpp"

namespace pst::heartbeat {
namespace {

using nlohmann::ordered_json;
constexpr std::size_t kMaxAddresses = 64;

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      throw Error(Fault::io, cat("cannot write ", path.string(), ": ", std::strerror(errno)),
                  "free some space there, then: peft-studio resume RUN");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void write_endpoint(const std::filesystem::path& path, const Endpoint& endpoint) {
  const ordered_json object = {
      {"host", endpoint.host}, {"addresses", endpoint.addresses}, {"port", endpoint.port}, {"token", endpoint.token}};
  const std::filesystem::path part = path.string() + ".part";
  ::unlink(part.c_str());
  const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) throw Error(Fault::io, cat("cannot create ", part.string(), ": ", std::strerror(errno)));
  try {
    write_all(descriptor, object.dump(2) + "\n", part);
  } catch (const Error&) {
    ::close(descriptor);
    throw;
  }
  ::fsync(descriptor);
  ::close(descriptor);
  rename_durably(part, path);
}

Endpoint read_endpoint(const std::filesystem::path& path) {
  const json::Document document(path, 64 << 10, "the supervisor writes it; start the run again");
  const json::Object object = document.object();
  Endpoint endpoint{.host = object.at("host").text(),
                    .addresses = object.at("addresses").texts(),
                    .port = object.at("port").small_whole(0, 65535),
                    .token = object.at("token").text()};
  if (endpoint.addresses.empty() || endpoint.addresses.size() > kMaxAddresses)
    object.refuse("addresses", cat("lists none, or more than ", kMaxAddresses));
  if ((endpoint.port == 0) != is_private(endpoint.addresses.front()))
    object.refuse("port", cat("is ", endpoint.port, ", which does not fit the addresses"));
  return endpoint;
}

std::string new_token() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw Error(Fault::unfit, cat("the kernel gives no random bytes: ", std::strerror(errno)));
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace pst::heartbeat
