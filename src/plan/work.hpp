// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

namespace pst::plan {

/// A row of a step: the lengths of its documents, and how many of its tokens are targets.
struct RowWork {
  std::vector<std::uint32_t> lengths;
  std::int64_t tokens = 0, labelled = 0;
};

/// What there is to do, in plain numbers: filled from the prepared data's own order (data::DataOrder), so that it is
/// what the run will do and no estimate.
struct Work {
  std::int64_t steps = 0, rows = 0, tokens = 0, labelled = 0;  ///< of the whole run; see `exact`
  bool exact = true;                                           ///< false: totals scaled from the sample
  std::int64_t documents = 0, rows_per_epoch = 0;
  std::vector<std::vector<RowWork>> sample;  ///< steps, evenly spread over the run; all of them when they are few
  std::vector<RowWork> validation;
  std::int64_t evaluations = 0;      ///< passes over the validation rows
  std::uint64_t prepared_bytes = 0;  ///< of the files that a rank maps
};

/// Tokens and targets of one trip through the model, and its documents' lengths.
struct MicroBatch {
  std::vector<std::uint32_t> lengths;
  std::int64_t tokens = 0, labelled = 0;
};

/// Rows in groups of `size`, as train::micro_batch makes them; fewer than `leaves` when rows run out.
std::vector<MicroBatch> micro_batches(const std::vector<RowWork>& rows, std::int64_t size);

/// How many numbers of tokens the micro batches of one rank can have, at most `most`: scaled where only a sample is
/// known.
std::int64_t token_counts(const Work& work, std::int64_t size, std::int64_t ranks, std::int64_t most = 1024);

/// The largest that the run can meet: of the sample when that is the whole run, else made of the largest rows.
MicroBatch largest_micro_batch(const Work& work, std::int64_t size);

}  // namespace pst::plan
