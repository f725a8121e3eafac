// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace pst::checkpoint {

/// The checksum that HDF5 puts behind a chunk with the fletcher32 filter: sums over big-endian 16-bit words modulo
/// 65535, over pieces that arrive one after the other. Every piece but the last has an even number of bytes.
/// @see Fletcher 1982, "An arithmetic checksum for serial transmissions"; HDF5 file format, filter 3
class Fletcher32 {
 public:
  void add(std::span<const std::byte> bytes);
  std::uint32_t value() const { return sum2_ << 16 | sum1_; }

 private:
  std::uint32_t sum1_ = 0, sum2_ = 0;  // in 0..65535; 0 only while every word was 0, else a multiple of 65535 is 65535
};

}  // namespace pst::checkpoint
