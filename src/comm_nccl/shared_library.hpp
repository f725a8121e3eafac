// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <dlfcn.h>

#include <functional>
#include <string>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::comm {

/// A library that stays open, and its functions by name.
class SharedLibrary {
 public:
  /// @throws Error(unfit) when it cannot be opened
  SharedLibrary(const std::string& name, std::string remedy) : name_(name), remedy_(std::move(remedy)) {
    handle_ = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) throw Error(Fault::unfit, cat("cannot open ", name, ": ", ::dlerror()), remedy_);
  }

  /// @throws Error(unfit) when the library has no such function
  template <class Signature>
  void get(std::function<Signature>& into, const char* function) const {
    void* const address = ::dlsym(handle_, function);
    if (address == nullptr) throw Error(Fault::unfit, cat(name_, " has no ", function), remedy_);
    into = reinterpret_cast<Signature*>(address);
  }

 private:
  std::string name_, remedy_;
  void* handle_ = nullptr;
};

}  // namespace pst::comm
