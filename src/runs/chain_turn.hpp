// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"
#include "rundir/run_state.hpp"

namespace pst::runs {

/// The place of one job in its run: alone, or one of a chain.
class ChainTurn {
 public:
  ChainTurn(const rundir::RunDir& run, const std::vector<std::string>& chain, std::string job);

  bool is_chained() const { return !later_.empty() || !former_.empty(); }
  /// The first job of those behind us that Slurm still holds. Nothing when there is none, or Slurm does not answer.
  std::optional<std::string> next() const;
  /// From now on the run's job is that one; for whoever follows it.
  void hand_on(const std::string& job) const;
  /// A job of the chain before us that was killed could not give its lease back, and Slurm says that it has ended: it
  /// is why we run.
  void take_lease_over() const;
  /// The run has ended for good: the jobs behind us have nothing to do. Quiet when Slurm does not answer: they find out
  /// by themselves.
  void drop_the_rest() const;

 private:
  const rundir::RunDir& run_;
  std::string job_;
  std::vector<std::string> former_, later_;
};

/// Why a job that starts has nothing to do, if so. @param is_chained  another job of the chain may have ended the run
std::optional<std::string> nothing_to_do(const rundir::RunState& state, bool is_chained);

/// The run's state, when the last that its events say of its course was written since then and is how it ended, or that
/// its job is put back into the queue. A supervisor that Slurm killed after such a word is not followed by another one.
std::optional<rundir::RunState> last_word_since(const rundir::RunDir& run, double unix_s);

/// submit(1) writes down what it submitted when sbatch has answered, and the job may be faster.
/// @return the run's state once it names `job`, or after `patience_s`
rundir::RunState await_submission(const rundir::RunDir& run, const std::string& job, double patience_s);

/// For a run that was submitted to come after another one.
/// @throws Error(data) saying how that one ended, when it is not completed
void refuse_unless_completed(const rundir::RunDir& before, const rundir::RunDir& run, double patience_s);

}  // namespace pst::runs
