// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cluster/capture.hpp"
#include "monitor/rule_engine.hpp"

namespace pst::monitor {

/// Who tells it: what every message about a run has in common.
struct Sender {
  std::string run;  ///< name of its folder
  std::filesystem::path folder;
  std::string host;
};

/// What is told of a turn, once as a line and once in parts.
struct Message {
  Turn turn;
  Sender sender;
  std::string time;       ///< UTC
  std::string run_state;  ///< "failed: the disk is full": one line, of the moment

  const char* state() const { return turn.kind == Turn::Kind::fired ? "firing" : "resolved"; }
  /// "[critical] no-progress: last_step_age_seconds is 612, above 600"; for a resolved one "... is over".
  std::string line() const;
  std::string subject() const;  ///< the line with the run's name before it
  std::string json() const;     ///< what a webhook gets: `text` for chats, and every part
  /// What a command finds in its environment: PST_ALERT, PST_ALERT_STATE ...
  std::map<std::string, std::string> variables() const;
};

struct Webhook {
  std::string url;
  std::optional<std::string> token;
};

// How it is delivered: programs without a shell, for which capture() has a timeout.
cluster::Command as_mail(const Message& message, const std::string& program, const std::string& address);
/// By curl, which reads URL, token and body from its standard input: a list of processes shows none of them.
cluster::Command as_webhook(const Message& message, const Webhook& to, double timeout_s);
cluster::Command as_command(const Message& message, const std::vector<std::string>& argv);

/// `value` as a quoted one of curl's configuration.
std::string curl_quoted(const std::string& value);

}  // namespace pst::monitor
