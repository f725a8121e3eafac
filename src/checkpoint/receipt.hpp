// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/disk.hpp"
#include "checkpoint/manifest.hpp"

namespace pst::checkpoint {

/// What a rank says of its file in a checkpoint's folder once the file is durable. Ranks leave receipts there so that
/// rank 0 can commit while all of them are in the middle of a step.
struct Receipt {
  FileEntry file;
  std::string replica;  ///< digest of what all ranks have alike; empty: none is compared
};

/// "rank-3.receipt-7": of one try to save, so that what an earlier one left is not taken for it.
std::string receipt_name(int rank, std::int64_t tried);

/// @throws Error(io)
void put_receipt(const Disk& disk, const fs::path& part, int rank, std::int64_t tried, const Receipt& receipt);
/// Nothing while it is not there, or not whole yet on this host.
std::optional<Receipt> find_receipt(const fs::path& part, int rank, std::int64_t tried);

}  // namespace pst::checkpoint
