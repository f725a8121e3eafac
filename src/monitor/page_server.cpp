// SPDX-License-Identifier: Apache-2.0
#include "monitor/page_server.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/strings.hpp"
#include "heartbeat/strangers.hpp"

namespace pst::monitor {
namespace {

constexpr std::size_t kMostClients = 64, kMostBytes = 8 << 10;
constexpr double kRequestWithin_s = 2, kAnswerWithin_s = 10;
constexpr int kLook_ms = 200, kMaxAtOnce = 64;

bool is_whole(const std::string& request) { return request.find("\r\n\r\n") != std::string::npos; }

std::string answer(const char* status, const std::string& type, const std::string& page, bool with_page) {
  return cat("HTTP/1.1 ", status, "\r\nContent-Type: ", type, "\r\nContent-Length: ", page.size(),
             "\r\nConnection: close\r\n\r\n", with_page ? page : std::string());
}

}  // namespace

PageServer::PageServer(const std::string& address, int port, std::string path, std::string content_type)
    : path_(std::move(path)),
      content_type_(std::move(content_type)),
      port_(port),
      listener_(heartbeat::listen_at(address, port_)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sigset_t all, before;  // signals are the main thread's business
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

PageServer::~PageServer() {
  quit_ = true;
  const std::uint64_t one = 1;
  if (::write(wake_.descriptor(), &one, sizeof one) < 0) {
    // The thread looks at quit_ at every turn.
  }
  thread_.join();
}

void PageServer::publish(std::string page) {
  const std::lock_guard lock(mutex_);
  page_.swap(page);
}

void PageServer::run() {
  std::vector<pollfd> waits;
  while (!quit_) {
    waits.assign({{.fd = listener_.descriptor(), .events = POLLIN, .revents = 0},
                  {.fd = wake_.descriptor(), .events = POLLIN, .revents = 0}});
    for (const auto& client : clients_) {
      const auto events = static_cast<short>(client.answer.empty() ? POLLIN : POLLOUT);
      waits.push_back({.fd = client.socket.descriptor(), .events = events, .revents = 0});
    }
    ::poll(waits.data(), waits.size(), kLook_ms);

    std::size_t at = 2;
    const double now = monotonic_seconds();
    for (auto& client : clients_) {
      if (waits[at++].revents != 0) serve(client);
      const double within_s = client.answer.empty() ? kRequestWithin_s : kAnswerWithin_s;
      if (client.socket && now - client.since > within_s) client.socket.close();
    }
    clients_.remove_if([](const Client& client) { return !client.socket; });
    if (waits[0].revents != 0) accept_new();
  }
}

void PageServer::accept_new() {
  for (int i = 0; i < kMaxAtOnce; ++i) {
    bool out_of_files = false;
    auto accepted = heartbeat::accept_from(listener_, out_of_files);
    if (!accepted && !(out_of_files && send_one_away())) return;
    if (!accepted) continue;
    clients_.push_back({.socket = std::move(accepted->socket),
                        .network = std::move(accepted->network),
                        .since = monotonic_seconds(),
                        .request = {},
                        .answer = {}});
    serve(clients_.back());
    clients_.remove_if([](const Client& client) { return !client.socket; });
    if (clients_.size() > heartbeat::room_for_strangers(0, kMostClients)) send_one_away();
  }
}

/// @return false when there is none
bool PageServer::send_one_away() {
  if (clients_.empty()) return false;
  std::vector<heartbeat::Stranger> strangers;
  for (const auto& client : clients_) strangers.push_back({client.network, client.since});
  clients_.erase(std::next(clients_.begin(), static_cast<std::ptrdiff_t>(heartbeat::who_goes(strangers))));
  return true;
}

/// Reads what has come, sends what can go.
void PageServer::serve(Client& client) {
  while (client.answer.empty()) {
    const auto bytes = heartbeat::receive(client.socket);
    if (!bytes) return client.socket.close();
    if (bytes->empty()) return;
    client.request += *bytes;
    if (is_whole(client.request))
      client.answer = answer_to(client.request);
    else if (client.request.size() > kMostBytes)
      return client.socket.close();
  }
  const auto sent =
      ::send(client.socket.descriptor(), client.answer.data(), client.answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0) return client.socket.close();
  client.answer.erase(0, static_cast<std::size_t>(sent));
  if (client.answer.empty()) client.socket.close();
}

std::string PageServer::answer_to(const std::string& request) const {
  const std::string text = "text/plain; charset=utf-8";
  const std::vector<std::string> words = split(request.substr(0, request.find("\r\n")), ' ');
  if (words.size() != 3 || !words[2].starts_with("HTTP/1.")) return answer("400 Bad Request", text, "", true);
  const bool is_get = words[0] == "GET";
  if (!is_get && words[0] != "HEAD") return answer("405 Method Not Allowed", text, "", true);
  if (words[1].substr(0, words[1].find('?')) != path_) return answer("404 Not Found", text, "", is_get);
  const std::lock_guard lock(mutex_);
  return answer("200 OK", content_type_, page_, is_get);
}

}  // namespace pst::monitor
