// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "datafiles/write_rows.hpp"

namespace pst::datafiles {

/// `count` records of the source, each as likely as any other, in their order. All of them where there are fewer. The
/// same seed gives the same ones. 16 bytes of memory for each that is chosen.
Written sample_rows(RowSource& source, Bad bad, const Output& output, std::uint64_t count, std::uint64_t seed);

/// All records in a random order that the seed says. Records wait in files beside the output, so that little is in
/// memory at a time.
Written shuffle_rows(RowSource& source, Bad bad, const Output& output, std::uint64_t seed);

/// A part that split_rows() makes.
struct Part {
  std::string name;
  double share = 0;
};
/// "train=0.9,test=0.1". @throws Error(usage) when it is none, or the shares do not add up to 1
std::vector<Part> parse_parts(const std::string& text);

/// Every record goes to one part: by its number, or by the value of `group` (dots lead inside), of which all records
/// go to the same part. The seed decides, not the order of the files. The parts' sizes are near the shares.
/// @param output  its path has "{}" where the part's name goes
/// @throws Error(data) when a record has no such value
std::vector<Written> split_rows(RowSource& source, Bad bad, const Output& output, const std::vector<Part>& parts,
                                const std::string& group, std::uint64_t seed);

}  // namespace pst::datafiles
