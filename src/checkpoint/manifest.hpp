// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensors.hpp"

namespace pst::checkpoint {

namespace fs = std::filesystem;

struct FileEntry {
  std::string name;  ///< "rank-0.h5"
  std::uint64_t bytes = 0;
  std::string digest;
};

/// manifest.json: what a checkpoint is. The writer fills in format, generation, ranks, tensors, created and the entry
/// of state.h5.
struct Manifest {
  int format = 1;
  std::int64_t step = 0;
  int generation = 0;  ///< of the lease under which it was committed
  int ranks = 1;
  std::string version, created;
  std::string recipe_digest, model_digest, data_digest;
  std::optional<double> validation_loss;
  bool milestone = false;
  std::string adapter_config;  ///< text of adapter_config.json, so that the adapter can be exported
  nlohmann::ordered_json state = nlohmann::ordered_json::object();  ///< an object, ours to keep and not to understand
  std::vector<TensorSpec> tensors;
  std::vector<FileEntry> files;  ///< state.h5 and rank-<r>.h5 of every rank
};

inline constexpr std::uint64_t kMostManifestBytes = 8 << 20;
inline constexpr const char* kManifestName = "manifest.json";
inline constexpr const char* kStateName = "state.h5";
std::string rank_file(int rank);  ///< "rank-3.h5"

/// The text of manifest.json. Its first key is the digest of the text without the line that holds it, so that no bit of
/// the file can change unnoticed. @throws Error(bug) when `state` is no object, Error(unfit) when it is too large
std::string to_text(const Manifest& manifest);
/// @param name the file, for messages. @throws Error(data)
Manifest parse_manifest(std::string_view text, const std::string& name);
/// manifest.json of a checkpoint's folder. @throws Error(data), Error(io)
Manifest read_manifest(const fs::path& folder);
/// The texts in one object of `state`; none when it is not there.
std::map<std::string, std::string> texts_in_state(const Manifest& manifest, const char* key);

}  // namespace pst::checkpoint
