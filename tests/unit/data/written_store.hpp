// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/error.hpp"
#include "core/file.hpp"
#include "data/prepared.hpp"
#include "support/prepared_store.hpp"
#include "support/temporary_directory.hpp"

namespace pst::data::fixture {

/// A store with one split "train" of documents of the given lengths, a thousand token ids.
inline void write_store(const fs::path& folder, const std::vector<std::uint32_t>& lengths) {
  pst::fixture::write_prepared_store(folder, {{"train", lengths}}, 1000);
}

inline std::vector<std::uint32_t> random_lengths(std::size_t count, std::uint32_t most, std::uint64_t seed) {
  return pst::fixture::random_lengths(count, 1, most, seed);
}

}  // namespace pst::data::fixture
