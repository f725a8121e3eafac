// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/protocol.hpp"

#include <algorithm>
#include <array>

#include "core/strings.hpp"

namespace pst::heartbeat {
namespace {

constexpr std::array kPhases = {Phase::joining,    Phase::starting, Phase::studying, Phase::training,
                                Phase::evaluating, Phase::saving,   Phase::finishing};
constexpr std::array kOrders = {Order::stop, Order::die, Order::stacks};
constexpr int kMaxRank = 1 << 20;

/// A host's name goes into messages and command lines of ours.
bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_'; });
}

std::optional<std::int64_t> number_between(std::string_view text, std::int64_t low, std::int64_t high) {
  const auto value = to_int(text);
  return value && *value >= low && *value <= high ? value : std::nullopt;
}

}  // namespace

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::joining: return "joining";
    case Phase::starting: return "starting";
    case Phase::studying: return "studying";
    case Phase::training: return "training";
    case Phase::evaluating: return "evaluating";
    case Phase::saving: return "saving";
    case Phase::finishing: return "finishing";
  }
  return "starting";
}

const char* name_of(Order order) {
  switch (order) {
    case Order::stop: return "stop";
    case Order::die: return "die";
    case Order::stacks: return "stacks";
  }
  return "stop";
}

std::string to_line(const Hello& hello) {
  return cat("hello ", hello.token, ' ', hello.attempt, ' ', hello.rank, ' ', hello.pid, ' ', hello.host, '\n');
}

std::string to_line(const Beat& beat) { return cat("beat ", beat.step, ' ', name_of(beat.phase), '\n'); }

std::optional<Hello> parse_hello(std::string_view line) {
  const auto words = split(line, ' ');
  if (words.size() != 6 || words[0] != "hello" || words[1].empty() || !is_host_name(words[5])) return std::nullopt;
  const auto attempt = number_between(words[2], 0, 1 << 20);
  const auto rank = number_between(words[3], kWatcher, kMaxRank);
  const auto pid = number_between(words[4], 1, INT32_MAX);
  if (!attempt || !rank || !pid) return std::nullopt;
  return Hello{.token = words[1],
               .attempt = static_cast<int>(*attempt),
               .rank = static_cast<int>(*rank),
               .pid = *pid,
               .host = words[5]};
}

std::optional<Beat> parse_beat(std::string_view line) {
  const auto words = split(line, ' ');
  if (words.size() != 3 || words[0] != "beat") return std::nullopt;
  const auto step = number_between(words[1], 0, INT64_MAX);
  const auto phase =
      std::find_if(kPhases.begin(), kPhases.end(), [&](Phase candidate) { return words[2] == name_of(candidate); });
  if (!step || phase == kPhases.end()) return std::nullopt;
  return Beat{.step = *step, .phase = *phase};
}

std::optional<Order> parse_order(std::string_view line) {
  for (const Order order : kOrders)
    if (line == name_of(order)) return order;
  return std::nullopt;
}

bool same_token(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

std::optional<std::vector<std::string>> LineBuffer::add(std::string_view bytes) {
  rest_ += bytes;
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (end - begin > kMaxLine) return std::nullopt;
    lines.push_back(rest_.substr(begin, end - begin));
  }
  rest_.erase(0, begin);
  if (rest_.size() > kMaxLine) return std::nullopt;
  return lines;
}

}  // namespace pst::heartbeat
