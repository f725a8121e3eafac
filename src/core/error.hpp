// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace pst {

/// What kind of thing went wrong. It decides the exit status: a job script repeats only what repeating can cure.
enum class Fault {
  usage,      ///< wrong command line, recipe or launch; repeating it changes nothing
  data,       ///< a model, dataset or record that cannot be used
  unfit,      ///< this node or device cannot do the work; another one may
  io,         ///< a disk or network operation failed
  transient,  ///< a peer or service failed; repeating may succeed
  stopped,    ///< stopped on request; not a failure
  bug,        ///< one of our own invariants does not hold
};

/// Exit status of a process that ends with `fault`: 64 usage, 65 data, 69 unfit, 75 io, transient, 76 stopped, 70 bug.
int exit_status(Fault fault);
const char* name_of(Fault fault);

/// "Could not do the job", with the place, the reason and what to try. `doing()` adds a line per enclosing action.
class Error : public std::exception {
 public:
  Error(Fault fault, std::string message, std::string remedy = {});

  Fault fault() const { return fault_; }
  const std::string& message() const { return message_; }
  const std::string& remedy() const { return remedy_; }
  const std::vector<std::string>& context() const { return context_; }  ///< innermost action first

  void add_context(std::string line);
  /// The whole report: `error[io]: message`, one `  while ...` per action, `  try: remedy`. No newline at the end.
  const char* what() const noexcept override { return report_.c_str(); }

 private:
  void render();
  Fault fault_;
  std::string message_, remedy_, report_;
  std::vector<std::string> context_;
};

/// There is not enough memory for what the recipe asks for: repeating it changes nothing.
class OutOfMemory final : public Error {
 public:
  explicit OutOfMemory(std::string message)
      : Error(Fault::usage, std::move(message), "a smaller micro batch or max_length, or a machine with more memory") {}
};

/// What `error` is if it tells of too little memory: an OutOfMemory itself, std::bad_alloc, or the words of libtorch's
/// allocators, CUDA, cuBLAS or cuDNN.
std::optional<OutOfMemory> as_out_of_memory(const std::exception& error);

/// Runs `body`; an Error on its way out gains the line "while <action>". Any other exception becomes OutOfMemory or
/// Error(bug).
template <class Body>
decltype(auto) doing(const std::string& action, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    error.add_context(action);
    throw;
  } catch (const std::exception& other) {
    if (auto error = as_out_of_memory(other)) {
      error->add_context(action);
      throw OutOfMemory(*error);
    }
    Error error(Fault::bug, other.what());
    error.add_context(action);
    throw error;
  }
}

[[noreturn]] void assertion_failed(const char* condition, const std::string& why, std::source_location where);

}  // namespace pst

/// Guards our own invariants, never a user's input. @param why says why the condition has to hold.
#define PST_ASSERT(condition, why)                                                               \
  do {                                                                                           \
    if (!(condition)) ::pst::assertion_failed(#condition, why, std::source_location::current()); \
  } while (false)
