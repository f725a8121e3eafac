// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <vector>

#include "cluster/capture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::e2e {

namespace fs = std::filesystem;

/// A user's folder with a model, data and a recipe in it, and a PATH that holds the usual tools but no Slurm and no MPI
/// except what a test puts there.
class Workspace {
 public:
  Workspace();

  fs::path operator/(const std::string& name) const { return dir_ / name; }
  void write(const std::string& name, const std::string& text) const;
  void append(const std::string& name, const std::string& text) const;
  /// A shell script on PATH.
  void add_program(const std::string& name, const std::string& body) const;
  /// A run as `submit` leaves it, with the given id.
  fs::path add_run(const std::string& name, const std::string& id) const;
  /// Makes the worker one that logs a step and leaves the results of a finished training, without training anything.
  void add_finishing_worker() const;
  void set(const std::string& variable, const std::string& value) { environment_[variable] = value; }

  /// `peft-studio <arguments>` in this folder.
  cluster::Captured call(const std::vector<std::string>& arguments) const;
  /// A shell line in this folder, in which $PST is peft-studio.
  cluster::Captured shell(const std::string& line) const;

  /// Everything that looks finished, running or half-made, though the command failed.
  std::vector<std::string> suspicious() const;

 private:
  cluster::Captured in_here(std::vector<std::string> command) const;
  fixture::TemporaryDirectory dir_;
  std::map<std::string, std::string> environment_;
};

/// Mounts a small tmpfs for its lifetime. Needs root; mounted() says whether it worked.
class SmallDisk {
 public:
  SmallDisk(const fs::path& at, const std::string& options);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  void fill() const;  ///< until not a byte is left

 private:
  fs::path at_;
  bool mounted_;
};

}  // namespace pst::e2e
