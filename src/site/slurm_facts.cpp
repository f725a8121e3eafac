// SPDX-License-Identifier: Apache-2.0
#include "site/slurm_facts.hpp"

#include <algorithm>
#include <cctype>

#include "config/slurm_words.hpp"
#include "core/strings.hpp"

namespace pst::site {
namespace {

/// "64 ", "64+": sinfo marks numbers of which there are several.
std::optional<int> count_in(std::string text) {
  while (!text.empty() && (text.back() == '+' || text.back() == ' ')) text.pop_back();
  const auto value = to_int(trim(text));
  return value && *value >= 0 && *value < 1'000'000'000 ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

/// "gpu:a100:4(S:0-1),gpu:4" -> type and number of its GPUs.
std::pair<std::string, int> gpus_in(const std::string& gres) {
  std::string type;
  int count = 0;
  for (std::string part : split(gres, ',')) {
    part = part.substr(0, part.find('('));
    const auto words = split(part, ':');
    if (words.empty() || words[0] != "gpu") continue;
    if (const auto number = count_in(words.back())) count += *number;
    if (words.size() > 2 && type.empty()) type = words[1];
  }
  return {type, count};
}

PartitionFacts& partition_in(SlurmFacts& facts, const std::string& name) {
  for (auto& partition : facts.partitions)
    if (partition.name == name) return partition;
  facts.partitions.push_back({.name = name});
  return facts.partitions.back();
}

void lessen(int& least, int value) { least = least == 0 ? value : std::min(least, value); }

/// "MaxNodes" of "... MaxNodes=4 ...".
std::optional<std::string> field(std::string_view line, const std::string& key) {
  for (const auto& word : split(line, ' '))
    if (word.starts_with(key + "=")) return word.substr(key.size() + 1);
  return std::nullopt;
}

}  // namespace

const PartitionFacts* SlurmFacts::find(const std::string& name) const {
  const auto found =
      std::find_if(partitions.begin(), partitions.end(), [&](const PartitionFacts& p) { return p.name == name; });
  return found == partitions.end() ? nullptr : &*found;
}

void read_sinfo(std::string_view text, SlurmFacts& facts) {
  for (const auto& line : split(text, '\n')) {
    const auto fields = split(trim(line), '|');
    if (fields.size() != 7 || fields[0].empty()) continue;
    const bool is_default = fields[0].back() == '*';
    PartitionFacts& partition = partition_in(facts, is_default ? fields[0].substr(0, fields[0].size() - 1) : fields[0]);
    const bool is_first = partition.nodes == 0;
    partition.is_default = is_default;
    if (config::slurm_seconds(fields[1])) partition.max_time = fields[1];
    if (const auto dash = fields[2].find('-'); dash != std::string::npos)
      partition.max_nodes = count_in(fields[2].substr(dash + 1));
    else
      partition.max_nodes = count_in(fields[2]);
    partition.nodes += count_in(fields[3]).value_or(0);
    if (const auto cpus = count_in(fields[4])) lessen(partition.cpus_per_node, *cpus);
    if (const auto memory = count_in(fields[5]))
      partition.memory_mb = is_first ? *memory : std::min<long>(partition.memory_mb, *memory);
    const auto [type, gpus] = gpus_in(fields[6]);
    partition.gpus_per_node = is_first ? gpus : std::min(partition.gpus_per_node, gpus);
    if (partition.gpu_type.empty()) partition.gpu_type = type;
  }
}

void read_config(std::string_view text, SlurmFacts& facts) {
  for (const auto& line : split(text, '\n')) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key(trim(line.substr(0, equals))), value(trim(line.substr(equals + 1)));
    if (key == "ClusterName") facts.cluster = value;
    if (key == "SLURM_VERSION") facts.version = value;
    if (key == "PreemptMode") facts.preempt_mode = lower(value);
    if (key == "JobRequeue") facts.requeues = value != "0";
    if (key == "SelectType") facts.gpu_options = value == "select/cons_tres";
  }
}

void read_mpi_list(std::string_view text, SlurmFacts& facts) {
  for (const auto& line : split(text, '\n')) {
    const std::string word(trim(line));
    // "MPI plugin types are..." and "specific pmix plugin versions available: pmix_v4" are sentences.
    const bool is_word = !word.empty() && std::all_of(word.begin(), word.end(),
                                                      [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    if (is_word) facts.mpi_types.push_back(word);
  }
}

void read_partitions(std::string_view text, SlurmFacts& facts) {
  for (const auto& line : split(text, '\n')) {
    const auto name = field(line, "PartitionName");
    if (!name || facts.find(*name) == nullptr) continue;
    PartitionFacts& partition = partition_in(facts, *name);
    if (const auto most = field(line, "MaxNodes")) partition.max_nodes = count_in(*most);
    if (const auto most = field(line, "MaxTime"); most && config::slurm_seconds(*most)) partition.max_time = *most;
    if (field(line, "Default") == "YES") partition.is_default = true;
  }
}

}  // namespace pst::site
