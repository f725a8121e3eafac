// SPDX-License-Identifier: Apache-2.0
#include "rundir/run_dir.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <random>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/trust.hpp"
#include "telemetry/line_tail.hpp"

namespace pst::rundir {
namespace {

using nlohmann::ordered_json;

/// mkdir(2) as the arbiter between processes that want the same name: false when somebody has it already.
bool make_new_folder(const fs::path& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return true;
  if (errno == EEXIST) return false;
  throw Error(Fault::io, cat("cannot create folder ", path.string(), ": ", std::strerror(errno)),
              errno == ENOSPC || errno == EDQUOT
                  ? "free some space there, or set output_dir to another folder"
                  : "check who owns the folder above it, or set output_dir to another one");
}

std::string random_id(std::size_t digits) {
  std::random_device source;
  std::string id;
  while (id.size() < digits) id += "0123456789abcdef"[source() % 16];
  return id;
}

std::string four_digits(int number) {
  char text[16];
  std::snprintf(text, sizeof text, "%04d", number);
  return text;
}

}  // namespace

RunDir RunDir::create(const fs::path& output_dir, const std::string& name) {
  if (name.empty() || name.front() == '.' || name.front() == '-' || name.find('/') != std::string::npos ||
      find_control(name) || name.size() > 200)
    throw Error(Fault::usage, cat("a run cannot be named ", quoted(name)),
                "use up to 200 letters, digits, '-', '_' or '.', beginning with a letter or digit");
  const fs::path parent = fs::absolute(output_dir).lexically_normal();
  return doing(cat("making a run directory below ", parent.string()), [&] {
    make_shared_directories(parent);
    for (int tries = 0;; ++tries) {
      // Four digits are easy to type; when they run out, longer ones.
      const fs::path root = parent / cat(name, "-", random_id(tries < 100 ? 4 : 12));
      if (make_new_folder(root)) return RunDir(root);
    }
  });
}

fs::path RunDir::attempt(int number) const { return root_ / "attempts" / four_digits(number); }

fs::path RunDir::heartbeat_file(int number) const { return attempt(number) / "heartbeat.json"; }

fs::path RunDir::node_log(int number, const std::string& host) const {
  std::string safe = host;
  for (char& c : safe)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_') c = '_';
  return attempt(number) / "nodes" / (safe + ".jsonl");
}

int RunDir::last_attempt() const {
  int last = 0;
  std::error_code status;
  for (fs::directory_iterator at(root_ / "attempts", status), end; !status && at != end; at.increment(status)) {
    const auto number = to_int(at->path().filename().string());
    if (number && *number > last && *number < 1'000'000) last = static_cast<int>(*number);
  }
  return last;
}

int RunDir::begin_attempt() const {
  make_directories(root_ / "attempts");
  for (int number = last_attempt() + 1;; ++number) {
    if (!make_new_folder(attempt(number))) continue;  // another supervisor was faster
    try {
      make_directories(attempt(number) / "nodes");
    } catch (const Error&) {  // a full disk: an attempt without its folders never was
      std::error_code ignored;
      fs::remove_all(attempt(number), ignored);
      throw;
    }
    return number;
  }
}

void RunDir::event(const std::string& kind, ordered_json details) const {
  ordered_json line = {{"t", iso_time(unix_seconds())}, {"event", kind}};
  for (const auto& [key, value] : details.items()) line[key] = value;
  std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  // After a crash the file may end inside a line; a newline first keeps this event apart from it.
  if (const auto before = RegularFile::open_if_there(events_file())) {
    const std::uint64_t size = before->size();
    if (size > 0 && before->read(size - 1, 1) != "\n") text.insert(text.begin(), '\n');
  }
  AppendFile file(events_file());
  file.append(text);
  file.sync();
}

void RunDir::try_event(const std::string& kind, ordered_json details) const noexcept {
  try {
    event(kind, details);
  } catch (const std::exception& error) {
    std::cerr << "warning: the event '" << kind << "' could not be written to " << events_file().string() << ": "
              << error.what() << std::endl;
  }
}

void RunDir::for_each_event(const std::function<void(const ordered_json&)>& take) const {
  telemetry::for_each_record(events_file(), take);
}

std::vector<ordered_json> RunDir::read_events() const {
  std::vector<ordered_json> all;
  for_each_event([&](const ordered_json& event) { all.push_back(event); });
  return all;
}

}  // namespace pst::rundir
