// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/rng.hpp"
#include "data/store_writer.hpp"

namespace pst::fixture {

/// A prepared store as `data prepare` leaves it: for each split the lengths of its documents. Token ids count up modulo
/// `vocabulary`, every second token has a label.
inline void write_prepared_store(const std::filesystem::path& folder,
                                 const std::map<std::string, std::vector<std::uint32_t>>& splits,
                                 std::int32_t vocabulary) {
  std::filesystem::create_directories(folder);
  nlohmann::json meta = {{"version", data::kStoreVersion}, {"files", nlohmann::json::object()}};
  for (const auto& [name, lengths] : splits) {
    data::SplitWriter writer(folder, name);
    std::int32_t next = 0;
    for (const auto length : lengths) {
      data::Encoded document;
      for (std::uint32_t i = 0; i < length; ++i) {
        document.ids.push_back(next++ % vocabulary);
        document.labelled.push_back(i % 2 == 1 ? 1 : 0);
      }
      writer.add(document.ids, document.labelled);
    }
    for (const auto& [file, record] : writer.finish())
      meta["files"][file] = {{"bytes", record.bytes}, {"digest", record.digest}};
  }
  write_durably(folder / "meta.json", meta.dump());
}

/// @return lengths from `least` to `most`
inline std::vector<std::uint32_t> random_lengths(std::size_t count, std::uint32_t least, std::uint32_t most,
                                                 std::uint64_t seed) {
  const Rng rng(seed);
  std::vector<std::uint32_t> lengths(count);
  for (std::size_t i = 0; i < count; ++i)
    lengths[i] = least + static_cast<std::uint32_t>(rng.below(most - least + 1, i));
  return lengths;
}

}  // namespace pst::fixture
