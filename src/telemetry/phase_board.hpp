// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "telemetry/step_line.hpp"

namespace pst::telemetry {

/// Where the ranks of one node leave their times for the node's first rank: a page or two of shared memory. Nobody
/// waits for anybody: a rank overwrites what is kHistory steps old, whether it was read or not. That is why times do
/// not travel by MPI: an exchange at every step would be one more place to wait.
class PhaseBoard {
 public:
  static constexpr std::int64_t kHistory = 64;

  /// For the first rank of a node: fresh memory with a name of its own. Nothing, and why, when the machine has none to
  /// share (a container without /dev/shm).
  static std::optional<PhaseBoard> create(int ranks, std::string& problem);
  /// For the others, by that name. It stays empty of them when they cannot open it.
  static std::optional<PhaseBoard> open(const std::string& name, int ranks);
  ~PhaseBoard();
  PhaseBoard(PhaseBoard&& other) noexcept;
  PhaseBoard& operator=(PhaseBoard&& other) noexcept;

  const std::string& name() const { return name_; }
  /// Takes the name away once everybody has opened it: then nothing stays behind, however the ranks end.
  void unlink();

  /// @param local  rank within the node
  void introduce(int local, int rank, std::int64_t pid);
  struct Member {
    int rank = 0;
    std::int64_t pid = 0;
  };
  std::optional<Member> member(int local) const;  ///< nothing before it has introduced itself

  void put(int local, std::int64_t step, const RankStep& times);
  /// Nothing while that rank has not ended the step, or when it is kHistory steps past it.
  std::optional<RankStep> get(int local, std::int64_t step) const;

 private:
  struct Slot;
  struct Row;
  PhaseBoard(std::string name, Row* rows, int ranks) : name_(std::move(name)), rows_(rows), ranks_(ranks) {}
  static std::optional<PhaseBoard> map(const std::string& name, int descriptor, int ranks);

  std::string name_;
  Row* rows_ = nullptr;
  int ranks_ = 0;
  bool linked_ = false;
};

}  // namespace pst::telemetry
