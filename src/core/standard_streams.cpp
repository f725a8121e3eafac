// SPDX-License-Identifier: Apache-2.0
#include "core/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

namespace pst {
namespace {

/// A closed one would become the next file that is opened, and an error message would be written into that. It is
/// opened the wrong way round, so that using it fails as before.
void take_closed_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF &&
        ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) != descriptor)
      ::_exit(1);  // there is nobody to tell
}

}  // namespace

StandardStreams::StandardStreams()
    : out_(std::cout.rdbuf()), err_(std::cerr.rdbuf()), printable_out_(*out_), printable_err_(*err_) {
  take_closed_descriptors();
  std::cout.rdbuf(&printable_out_);
  std::cerr.rdbuf(&printable_err_);
  std::clog.rdbuf(&printable_err_);
}

StandardStreams::~StandardStreams() {
  std::cout.flush();
  std::cout.rdbuf(out_);
  std::cerr.rdbuf(err_);
  std::clog.rdbuf(err_);
}

}  // namespace pst
