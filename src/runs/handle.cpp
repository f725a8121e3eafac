// SPDX-License-Identifier: Apache-2.0
#include "runs/handle.hpp"

#include <filesystem>

#include "core/strings.hpp"

namespace pst::runs {
namespace {

namespace fs = std::filesystem;

std::string short_path(const fs::path& path) {
  std::error_code ignored;
  const auto relative = path.lexically_relative(fs::current_path(ignored));
  if (relative.empty() || relative.string().starts_with("..")) return path.string();
  return relative.string();
}

}  // namespace

std::string handle(const rundir::RunDir& run) { return short_path(run.root()); }
std::string handle(const rundir::SweepDir& sweep) { return short_path(sweep.root()); }

}  // namespace pst::runs
