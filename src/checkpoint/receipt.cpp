// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/receipt.hpp"

#include <fstream>
#include <sstream>

#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

constexpr const char* kNone = "-";
constexpr const char* kEnd = "end";

}  // namespace

std::string receipt_name(int rank, std::int64_t tried) { return cat("rank-", rank, ".receipt-", tried); }

void put_receipt(const Disk& disk, const fs::path& part, int rank, std::int64_t tried, const Receipt& receipt) {
  disk.put_message(part / receipt_name(rank, tried),
                   cat(receipt.file.digest, ' ', receipt.file.bytes, ' ',
                       receipt.replica.empty() ? kNone : receipt.replica, ' ', kEnd, '\n'),
                   Step::write_receipt);
}

std::optional<Receipt> find_receipt(const fs::path& part, int rank, std::int64_t tried) {
  std::ifstream file(part / receipt_name(rank, tried));
  Receipt receipt{.file = {.name = rank_file(rank), .bytes = 0, .digest = {}}, .replica = {}};
  std::string end;
  if (!(file >> receipt.file.digest >> receipt.file.bytes >> receipt.replica >> end) || end != kEnd)
    return std::nullopt;
  if (receipt.replica == kNone) receipt.replica.clear();
  return receipt;
}

}  // namespace pst::checkpoint
