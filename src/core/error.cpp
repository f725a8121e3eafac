// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"

#include <new>
#include <string_view>

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

std::optional<OutOfMemory> as_out_of_memory(const std::exception& error) {
  if (const auto* const known = dynamic_cast<const OutOfMemory*>(&error)) return *known;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return OutOfMemory("out of memory");
  const std::string_view text = error.what();
  for (const std::string_view sign : {"CUDA out of memory", "CUDA error: out of memory", "can't allocate memory",
                                      "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"})
    if (text.find(sign) != std::string_view::npos) return OutOfMemory(std::string(text.substr(0, text.find('\n'))));
  return std::nullopt;
}

void assertion_failed(const char* condition, const std::string& why, std::source_location where) {
  throw Error(Fault::bug, cat(where.file_name(), ":", where.line(), ": ", condition, " does not hold (", why, ")"),
              "please report this with the command that led here");
}

}  // namespace pst
