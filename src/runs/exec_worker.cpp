// SPDX-License-Identifier: Apache-2.0
#include "runs/exec_worker.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::runs {

void exec_worker(std::vector<std::string> argv) {
  std::vector<char*> pointers;
  for (auto& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(pointers.front(), pointers.data());
  throw Error(Fault::unfit, cat("cannot start ", argv.front(), ": ", std::strerror(errno)),
              "it belongs beside peft-studio, executable: install again, or see `ls -l`");
}

}  // namespace pst::runs
