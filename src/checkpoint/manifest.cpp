// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/manifest.hpp"

#include <algorithm>
#include <set>

#include "checkpoint/json_shape.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

using nlohmann::ordered_json;

// {"digest": "<32 digits>", ... with a line of its own.
constexpr std::string_view kHead = "{\n  \"digest\": \"", kHeadEnd = "\",\n";
constexpr std::size_t kDigits = 32;

std::string digest_of_rest(std::string_view rest) {
  Digester digester;
  digester.add_field("peft-studio checkpoint manifest");
  digester.add(std::as_bytes(std::span(rest)));
  return digester.hex();
}

/// The text behind the digest's line, found to be what was written.
std::string_view checked_rest(std::string_view text, const std::string& name) {
  const auto refuse = [&](const char* why) { throw Error(Fault::data, cat(name, ": ", why)); };
  const std::size_t head = kHead.size() + kDigits + kHeadEnd.size();
  if (text.size() < head || !text.starts_with(kHead) ||
      text.substr(head - kHeadEnd.size(), kHeadEnd.size()) != kHeadEnd)
    refuse("does not begin with the digest of a manifest");
  const std::string_view rest = text.substr(head);
  if (text.substr(kHead.size(), kDigits) != digest_of_rest(rest))
    refuse("its digest does not fit: it was changed or damaged");
  return rest;
}

bool is_digest(std::string_view text) {
  return text.size() == kDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::vector<FileEntry> read_files(const json::Node& list, int ranks) {
  // Names are compared with those that must be there: none of them can lead out of the folder.
  std::set<std::string> expected = {kStateName};
  const auto nodes = list.list();
  if (nodes.size() != static_cast<std::size_t>(ranks) + 1)
    list.refuse(cat("lists ", nodes.size(), " files; ", ranks, " ranks make ", ranks + 1));
  for (int rank = 0; rank < ranks; ++rank) expected.insert(rank_file(rank));
  std::vector<FileEntry> files;
  for (const auto& node : nodes) {
    const json::Object file = node.object();
    FileEntry entry{file.at("name").text(), static_cast<std::uint64_t>(file.at("bytes").whole()),
                    file.at("digest").text()};
    if (expected.erase(entry.name) == 0)
      file.refuse("name", cat("is ", quoted(entry.name), ", which is no file of this checkpoint, or listed twice"));
    if (!is_digest(entry.digest)) file.refuse("digest", "is no digest");
    files.push_back(std::move(entry));
  }
  return files;
}

std::vector<TensorSpec> read_tensors(const json::Node& list) {
  std::vector<TensorSpec> tensors;
  std::set<std::string> names;
  for (const auto& node : list.list()) {
    const json::Object tensor = node.object();
    const auto dtype = stored_dtype(tensor.at("dtype").text());
    if (!dtype) tensor.refuse("dtype", "is another than F32 and U8, of which a checkpoint is");
    tensors.push_back({tensor.at("name").text(), read_shape(tensor.at("shape")), *dtype});
    if (!names.insert(tensors.back().name).second)
      tensor.refuse("name", cat("is ", quoted(tensors.back().name), ", which is listed twice"));
  }
  return tensors;
}

}  // namespace

std::string rank_file(int rank) { return cat("rank-", rank, ".h5"); }

std::string to_text(const Manifest& manifest) {
  PST_ASSERT(manifest.state.is_object(), "the state in a manifest is an object");
  ordered_json all = {
      {"format", manifest.format},
      {"step", manifest.step},
      {"generation", manifest.generation},
      {"ranks", manifest.ranks},
      {"version", manifest.version},
      {"created", manifest.created},
      {"recipe_digest", manifest.recipe_digest},
      {"model_digest", manifest.model_digest},
      {"data_digest", manifest.data_digest},
      {"validation_loss", manifest.validation_loss ? ordered_json(*manifest.validation_loss) : ordered_json()},
      {"milestone", manifest.milestone},
      {"state", manifest.state},
      {"files", ordered_json::array()},
      {"adapter_config", manifest.adapter_config},
      {"tensors", ordered_json::array()}};
  for (const auto& file : manifest.files)
    all["files"].push_back({{"name", file.name}, {"bytes", file.bytes}, {"digest", file.digest}});
  for (const auto& tensor : manifest.tensors)
    all["tensors"].push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"dtype", word_of(tensor.dtype)}});
  const std::string body = all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  const std::string rest = body.substr(2);  // without "{\n"
  std::string text = cat(kHead, digest_of_rest(rest), kHeadEnd, rest);
  if (text.size() > kMostManifestBytes)
    throw Error(Fault::unfit, cat("the manifest of a checkpoint would be ", human_bytes(text.size()), "; at most ",
                                  human_bytes(kMostManifestBytes), " can be read again"));
  return text;
}

Manifest parse_manifest(std::string_view text, const std::string& name) {
  const json::Document document(cat("{\n\n", checked_rest(text, name)), name);  // lines are counted as in the file
  const json::Object json = document.object();
  Manifest manifest;
  manifest.format = json.at("format").small_whole();
  if (manifest.format != 1)
    throw Error(Fault::data, cat(name, " has format ", manifest.format, "; this program reads 1"),
                "use the version of peft-studio that wrote it, or a newer one");
  manifest.step = json.at("step").whole();
  manifest.generation = json.at("generation").small_whole();
  manifest.ranks = json.at("ranks").small_whole(1, kMostRanks);
  manifest.version = json.at("version").text();
  manifest.created = json.at("created").text();
  manifest.recipe_digest = json.at("recipe_digest").text();
  manifest.model_digest = json.at("model_digest").text();
  manifest.data_digest = json.at("data_digest").text();
  if (const auto loss = json.get("validation_loss")) manifest.validation_loss = loss->real();
  manifest.milestone = json.at("milestone").flag();
  manifest.adapter_config = json.at("adapter_config").text();
  manifest.state = json.inner("state").node().value();
  manifest.files = read_files(json.at("files"), manifest.ranks);
  manifest.tensors = read_tensors(json.at("tensors"));
  return manifest;
}

Manifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  return parse_manifest(read_file(path, kMostManifestBytes), path.string());
}

std::map<std::string, std::string> texts_in_state(const Manifest& manifest, const char* key) {
  std::map<std::string, std::string> texts;
  const auto stored = manifest.state.find(key);
  if (stored != manifest.state.end() && stored->is_object())
    for (const auto& [name, value] : stored->items())
      if (value.is_string()) texts[name] = value.get<std::string>();
  return texts;
}

}  // namespace pst::checkpoint
