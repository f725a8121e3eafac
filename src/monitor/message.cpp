// SPDX-License-Identifier: Apache-2.0
#include "monitor/message.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/strings.hpp"

namespace pst::monitor {
namespace {

using nlohmann::ordered_json;

/// Four digits are enough for people.
std::string shown(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "infinite" : "-infinite";
  if (value == std::floor(value) && std::abs(value) < 1e15) return cat(static_cast<std::int64_t>(value));
  std::ostringstream text;
  text.precision(4);
  text << value;
  return text.str();
}

}  // namespace

std::string Message::line() const {
  const auto& rule = turn.rule;
  const char* const severity = recipe::name_of(rule.severity);
  const std::string place = place_of(turn.labels);
  if (turn.kind == Turn::Kind::resolved) return cat("[", severity, "] ", rule.name, " is over");
  std::string text = cat("[", severity, "] ", rule.name, ": ");
  if (rule.metric == "finished") return text + "the run is " + run_state;
  if (!rule.meaning.empty()) text += rule.meaning + " (";
  text += cat(rule.metric, " is ", shown(turn.value),
              rule.direction == recipe::Direction::above ? ", above " : ", below ", shown(rule.threshold));
  if (!place.empty()) text += cat(", at ", place);
  if (turn.series > 1) text += cat(", one of ", turn.series);
  if (!rule.meaning.empty()) text += ")";
  if (turn.last_words) text += "; it has fired so often that it is silent now for up to an hour";
  return text;
}

std::string Message::subject() const { return cat(sender.run, " ", line()); }

std::string Message::json() const {
  ordered_json labels = ordered_json::object();
  for (const auto& [name, value] : turn.labels) labels[name] = value;
  const auto number = [](double value) {
    return std::isfinite(value) ? ordered_json(value) : ordered_json(shown(value));
  };
  const ordered_json body = {{"text", subject()},
                             {"run", sender.run},
                             {"folder", sender.folder.string()},
                             {"host", sender.host},
                             {"time", time},
                             {"run_state", run_state},
                             {"alert", turn.rule.name},
                             {"state", state()},
                             {"severity", recipe::name_of(turn.rule.severity)},
                             {"metric", turn.rule.metric},
                             {"value", number(turn.value)},
                             {"threshold", turn.rule.threshold},
                             {"direction", turn.rule.direction == recipe::Direction::above ? "above" : "below"},
                             {"for_seconds", turn.rule.for_s},
                             {"labels", labels}};
  return body.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::map<std::string, std::string> Message::variables() const {
  return {{"PST_ALERT", turn.rule.name},
          {"PST_ALERT_STATE", state()},
          {"PST_ALERT_SEVERITY", recipe::name_of(turn.rule.severity)},
          {"PST_ALERT_METRIC", turn.rule.metric},
          {"PST_ALERT_VALUE", number(turn.value)},
          {"PST_ALERT_THRESHOLD", number(turn.rule.threshold)},
          {"PST_ALERT_PLACE", place_of(turn.labels)},
          {"PST_ALERT_TEXT", line()},
          {"PST_ALERT_RUN", sender.run},
          {"PST_ALERT_RUN_STATE", run_state},
          {"PST_ALERT_FOLDER", sender.folder.string()}};
}

// Everybody on the node sees a command line, where the run's name stands as well; what is wrong with it is in the text.
cluster::Command as_mail(const Message& message, const std::string& program, const std::string& address) {
  return {.argv = {program, "-s", cat(message.sender.run, ": ", recipe::name_of(message.turn.rule.severity), " alert"),
                   address},
          .remedy_when_missing = "notify by webhook or command where the node has no mail program",
          .input = cat(message.line(), "\n\nrun     ", message.sender.folder.string(), "\nhost    ",
                       message.sender.host, "\ntime    ", message.time, "\n\npeft-studio status ",
                       shell_quoted(message.sender.folder.string()), "\n")};
}

std::string curl_quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else if (static_cast<unsigned char>(c) >= 0x20)
      out += c;
  }
  return out + '"';
}

cluster::Command as_webhook(const Message& message, const Webhook& to, double timeout_s) {
  std::string input = cat("url = ", curl_quoted(to.url), "\nheader = \"Content-Type: application/json\"\n");
  if (to.token) input += cat("header = ", curl_quoted("Authorization: Bearer " + *to.token), "\n");
  input += cat("data-binary = ", curl_quoted(message.json()), "\n");
  return {.argv = {"curl", "--silent", "--show-error", "--fail", "--globoff", "--proto", "=http,https",
                   // To follow none, and to fail at one: what is posted would not arrive, and a token is for one host.
                   "--location", "--max-redirs", "0", "--retry", "2", "--retry-max-time", number(timeout_s),
                   "--max-time", number(timeout_s), "--output", "/dev/null", "--config", "-"},
          .remedy_when_missing = "curl posts to webhooks: install it on the nodes, or notify by mail or command",
          .timeout_s = timeout_s,
          .input = std::move(input)};
}

cluster::Command as_command(const Message& message, const std::vector<std::string>& argv) {
  return {.argv = argv, .remedy_when_missing = "correct notify.command", .variables = message.variables()};
}

}  // namespace pst::monitor
