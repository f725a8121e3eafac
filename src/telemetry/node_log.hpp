#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace pst::telemetry {

/// The JSON lines of one node: `attempts/<n>/nodes/<host>.jsonl`. Each record gets "t" (UTC) and "node".
/// A failing disk must not stop training: lines that cannot be written are counted and told in the next one that can.
class NodeLog {
 public:
  NodeLog(const std::filesystem::path& file, std::string node);  ///< @throws Error(io) when it cannot be created
  ~NodeLog();
  /// @param record an object with "kind" (step, eval, sample, ...)
  void write(const nlohmann::ordered_json& record);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::telemetry
