// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"

#include "core/strings.hpp"

namespace pst {

int exit_status(Fault fault) {
  switch (fault) {
    case Fault::usage: return 64;
    case Fault::data: return 65;
    case Fault::unfit: return 69;
    case Fault::bug: return 70;
    case Fault::io: return 75;
    case Fault::transient: return 75;
    case Fault::stopped: return 76;
  }
  return 70;
}

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::usage: return "usage";
    case Fault::data: return "data";
    case Fault::unfit: return "unfit";
    case Fault::io: return "io";
    case Fault::transient: return "transient";
    case Fault::stopped: return "stopped";
    case Fault::bug: return "bug";
  }
  return "bug";
}

Error::Error(Fault fault, std::string message, std::string remedy)
    : fault_(fault), message_(std::move(message)), remedy_(std::move(remedy)) {
  render();
}

void Error::add_context(std::string line) {
  context_.push_back(std::move(line));
  render();
}

void Error::render() {
  report_ = cat("error[", name_of(fault_), "]: ", message_);
  for (const auto& line : context_) report_ += cat("\n  while ", line);
  if (!remedy_.empty()) report_ += cat("\n  try: ", remedy_);
}

void assertion_failed(const char* condition, const std::string& why, std::source_location where) {
  throw Error(Fault::bug, cat(where.file_name(), ":", where.line(), ": ", condition, " does not hold (", why, ")"),
              "please report this with the command that led here");
}

}  // namespace pst
