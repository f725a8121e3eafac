// SPDX-License-Identifier: Apache-2.0
#include "console/screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"

namespace pst::console {
namespace {

void put(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR && errno != EAGAIN) return;  // the terminal is gone; SIGHUP follows
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

bool Screen::is_possible() {
  const char* const kind = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) && ::isatty(STDIN_FILENO) && kind != nullptr && std::string_view(kind) != "dumb";
}

Screen::Screen() : signals_{SIGINT, SIGTERM, SIGHUP, SIGWINCH} {
  if (::tcgetattr(STDIN_FILENO, &before_) != 0)
    throw Error(Fault::unfit, cat("cannot read the terminal's settings: ", std::strerror(errno)),
                "peft-studio follow RUN   needs no terminal");
  termios keys = before_;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  keys.c_cc[VMIN] = 0;
  keys.c_cc[VTIME] = 0;
  keys.c_cc[VSUSP] = _POSIX_VDISABLE;  // stopped in the middle of it, the shell would get our screen
  ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  put("\x1b[?1049h\x1b[?25l");
}

Screen::~Screen() { restore(); }

void Screen::restore() const {
  put("\x1b[?25h\x1b[?1049l");
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

Screen::Size Screen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void Screen::show(const std::vector<std::string>& lines) const {
  std::string all = "\x1b[H";  // over the old picture, so that nothing flickers
  for (std::size_t i = 0; i < lines.size(); ++i) all += cat(i ? "\r\n" : "", printable(lines[i]), "\x1b[K");
  put(all + "\x1b[J");
}

Screen::Said Screen::wait(double timeout_s) {
  constexpr double kKeys_s = 0.1;  // signals are waited for one by one, keys looked for in between
  const double deadline = monotonic_seconds() + timeout_s;
  for (;;) {
    const double left = deadline - monotonic_seconds();
    if (const auto signal = signals_.wait(std::clamp(left, 0.0, kKeys_s)))
      return *signal == SIGWINCH ? Said::resized : Said::quit;
    pollfd keys{STDIN_FILENO, POLLIN, 0};
    char key = 0;
    if (::poll(&keys, 1, 0) > 0) {
      if (::read(STDIN_FILENO, &key, 1) <= 0 && (keys.revents & (POLLHUP | POLLERR))) return Said::quit;
      if (key == 'q' || key == 'Q' || key == 3) return Said::quit;
    }
    if (left <= 0) return Said::nothing;
  }
}

}  // namespace pst::console
