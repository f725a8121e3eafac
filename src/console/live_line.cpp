// SPDX-License-Identifier: Apache-2.0
#include "console/live_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "console/sparkline.hpp"
#include "core/clock.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"

namespace pst::console {
namespace {

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10) return size.ws_col;
  return 80;
}

}  // namespace

void LiveLine::show(const std::string& unsafe) {
  const std::string text = printable(unsafe);
  latest_ = text;
  if (text == printed_) return;
  const double now = monotonic_seconds();
  if (kind_ == Kind::in_place) {
    // A line that wraps could not be taken back.
    put_control(out_, "\r");
    out_ << cut(text, terminal_width() - 1);
    put_control(out_, "\x1b[K");
    out_ << std::flush;
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

std::function<void(std::int64_t)> ReadingLine::progress() {
  return [this](std::int64_t examples) {
    if (kind_ == LiveLine::Kind::in_place) line_.show(cat("reading data: ", grouped(examples), " examples"));
  };
}

}  // namespace pst::console
