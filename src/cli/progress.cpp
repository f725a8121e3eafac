// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/clock.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

std::string two_digits(std::int64_t value) { return value < 10 ? cat("0", value) : cat(value); }

/// "01:12", "2:03:04".
std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  const std::string rest = cat(two_digits(whole / 60 % 60), ":", two_digits(whole % 60));
  return whole < 3600 ? rest : cat(whole / 3600, ":", rest);
}

std::string scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10) return size.ws_col;
  return 80;
}

}  // namespace

std::string to_line(const Progress& progress) {
  std::vector<std::string> parts;
  parts.push_back(progress.total_steps > 0 ? cat("step ", progress.step, "/", progress.total_steps)
                                           : cat("step ", progress.step));
  if (progress.loss) parts.push_back(cat("loss ", fixed(*progress.loss, 3)));
  if (progress.validation_loss) parts.push_back(cat("validation ", fixed(*progress.validation_loss, 3)));
  if (progress.lr) parts.push_back(cat("lr ", scientific(*progress.lr)));
  if (progress.tokens_per_s) parts.push_back(cat(grouped(std::llround(*progress.tokens_per_s)), " tokens/s"));
  if (progress.seconds_left && *progress.seconds_left < 1e8)
    parts.push_back(cat(clock_text(*progress.seconds_left), " left"));
  return join(parts, "  ");
}

void LiveLine::show(const std::string& text) {
  latest_ = text;
  if (text == printed_) return;
  const double now = monotonic_seconds();
  if (kind_ == Kind::in_place) {
    // A line that wraps could not be taken back.
    out_ << '\r' << text.substr(0, terminal_width() - 1) << "\x1b[K" << std::flush;
  } else {
    if (now - printed_at_ < every_s_) return;
    out_ << text << std::endl;
  }
  printed_ = text;
  printed_at_ = now;
}

void LiveLine::finish() {
  if (kind_ == Kind::in_place && !printed_.empty()) out_ << std::endl;
  if (kind_ == Kind::lines && latest_ != printed_) out_ << latest_ << std::endl;
  latest_.clear();
  printed_.clear();
  printed_at_ = -1e9;
}

LiveLine::Kind kind_of_standard_error() {
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return ::isatty(STDERR_FILENO) && !dumb ? LiveLine::Kind::in_place : LiveLine::Kind::lines;
}

}  // namespace pst::cli
