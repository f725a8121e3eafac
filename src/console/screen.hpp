// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <termios.h>

#include <optional>
#include <string>
#include <vector>

#include "cluster/signals.hpp"

namespace pst::console {

/// The whole terminal for the object's lifetime: a second screen, no cursor, keys read one by one. However the object
/// goes away, the terminal is as before.
class Screen {
 public:
  /// Whether standard output and input are a terminal that understands it.
  static bool is_possible();

  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  struct Size {
    std::size_t width = 80, height = 24;
  };
  Size size() const;
  void show(const std::vector<std::string>& lines) const;

  enum class Said { nothing, quit, resized };
  /// Waits for a key or a signal: `q`, Ctrl-C, SIGTERM and SIGHUP quit.
  Said wait(double timeout_s);

 private:
  void restore() const;
  cluster::SignalQueue signals_;
  termios before_{};
};

}  // namespace pst::console
