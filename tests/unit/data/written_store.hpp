// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/rng.hpp"
#include "data/prepared.hpp"
#include "data/store_writer.hpp"
#include "support/temporary_directory.hpp"

namespace pst::data::fixture {

/// A store with one split "train" of documents of the given lengths; token ids count up, every second token has a
/// label.
inline void write_store(const fs::path& folder, const std::vector<std::uint32_t>& lengths) {
  fs::create_directories(folder);
  SplitWriter writer(folder, "train");
  std::int32_t next = 0;
  for (const auto length : lengths) {
    Encoded document;
    for (std::uint32_t i = 0; i < length; ++i) {
      document.ids.push_back(next++ % 1000);
      document.labelled.push_back(i % 2 == 1 ? 1 : 0);
    }
    writer.add(document.ids, document.labelled);
  }
  nlohmann::json meta = {{"version", kStoreVersion}, {"files", nlohmann::json::object()}};
  for (const auto& [name, record] : writer.finish())
    meta["files"][name] = {{"bytes", record.bytes}, {"digest", record.digest}};
  write_durably(folder / "meta.json", meta.dump());
}

inline std::vector<std::uint32_t> random_lengths(std::size_t count, std::uint32_t most, std::uint64_t seed) {
  const Rng rng(seed);
  std::vector<std::uint32_t> lengths(count);
  for (std::size_t i = 0; i < count; ++i) lengths[i] = static_cast<std::uint32_t>(1 + rng.below(most, i));
  return lengths;
}

}  // namespace pst::data::fixture
