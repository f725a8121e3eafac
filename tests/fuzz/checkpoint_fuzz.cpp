// SPDX-License-Identifier: Apache-2.0
// Checkpoints, one of their files being hostile: as it comes, and sealed with digests that fit, as an attacker would.
// Bits that changed without the digests noticing are a failure.
#include <cstdlib>

#include "checkpoint/rank_reader.hpp"
#include "core/digest.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "unit/checkpoint/a_run.hpp"

namespace pst::fuzz {
namespace {

using namespace checkpoint;
namespace fs = std::filesystem;

constexpr std::string_view kSealed = ", sealed", kIndex = ", its index";

/// Of any size, at an edge now and then.
std::string number(Draw& draw) {
  static const std::vector<std::string> kEdges = {
      "0", "1", "-1", "2147483648", "17592186044416", "9223372036854775807", "18446744073709551615", "1e18"};
  return draw.one_in(4) ? draw.of(kEdges) : std::to_string(draw.size(std::size_t{1} << 46));
}
std::string shape(Draw& draw) {
  std::string text = "[";
  for (std::size_t i = 0, n = draw.one_in(9) ? draw.size(5000) : draw.below(10); i < n; ++i)
    text += cat(i ? "," : "", draw.one_in(3) ? "1" : number(draw));
  return text + "]";
}

/// Of the manifest behind its digest's line: as many files, tensors and texts as there is room for.
std::string many_entries(Draw& draw) {
  const std::size_t ranks = draw.one_in(3) ? 2 : draw.size(100'000);
  const std::string digest(32, 'a');
  std::string text =
      cat(R"("format":1,"step":7,"generation":1,"ranks":)", draw.one_in(3) ? number(draw) : std::to_string(ranks),
          R"(,"version":"1","created":"","recipe_digest":")", repeated("a", draw.size(10'000)),
          R"(","model_digest":"","data_digest":"","milestone":false,"adapter_config":")",
          repeated("\\u001b", draw.size(10'000)), R"(","state":{"x":)",
          repeated(draw.one_in(2) ? "[" : "[],", draw.one_in(4) ? draw.size(200'000) : 0),
          R"(1},"files":[{"name":"state.h5","bytes":)", number(draw), R"(,"digest":")", digest, "\"}");
  for (std::size_t i = 0; i < ranks; ++i)
    text += cat(R"(,{"name":"rank-)", i, R"(.h5","bytes":)", i, R"(,"digest":")", digest, "\"}");
  text += "],\"tensors\":[";
  for (std::size_t i = 0, n = draw.size(60'000); i < n; ++i)
    text += cat(i ? "," : "", R"({"name":"t)", i, R"(","dtype":"F32","shape":)", shape(draw), "}");
  return text + "]}\n";
}
/// Of a rank's file: shares that are many, large, in chunks of one row, or one and the same.
std::string many_shares(Draw& draw) {
  std::string text = R"({"format":1,"rank":0,"ranks":2,"tensors":[)";
  const bool is_known = draw.one_in(2);
  for (std::size_t i = 0, n = draw.size(is_known ? 50 : 20'000); i < n; ++i) {
    text += cat(i ? "," : "", R"({"name":")", is_known ? std::string("adapter/a") : cat("t", i), R"(","shape":)",
                draw.one_in(2) ? "[4,6]" : shape(draw), R"(,"first_row":)",
                draw.one_in(2) ? std::to_string(i) : number(draw), R"(,"rows":)", draw.one_in(2) ? "2" : number(draw),
                R"(,"chunk_rows":)", draw.one_in(2) ? "1" : number(draw), ",\"chunks\":[");
    for (std::size_t c = 0, chunks = draw.one_in(2) ? 2 : draw.size(500); c < chunks; ++c)
      text += cat(c ? "," : "", draw.one_in(3) ? number(draw) : std::to_string(28 * c));
    text += "]}";
  }
  return text + "]}";
}

class Checkpoint {
 public:
  explicit Checkpoint(const fs::path& dir) : folder_(dir / "step-00000007"), state_(pst::fixture::small_state()) {
    if (pst::fixture::Ranks(dir, 2, state_).save(7).phase != Writer::Phase::committed) std::abort();
    for (const std::string name : {"manifest.json", "state.h5", "rank-0.h5", "rank-1.h5"})
      good_[name] = read_file(folder_ / name);
    manifest_ = read_manifest(folder_);
    const std::string& rank = good_["rank-0.h5"];
    const std::size_t tail = rank.size() - kIndexTail;
    std::size_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= std::size_t{static_cast<unsigned char>(rank[tail + i])} << (8 * i);
    index_begins_ = tail - length;
  }

  std::vector<Part> parts() const {
    const std::vector<std::string> words = {"\"shape\":",
                                            "\"rows\":",
                                            "\"chunks\":",
                                            "\"bytes\":",
                                            "\"ranks\":",
                                            "\"first_row\":",
                                            "[4,6]",
                                            "\"U8\"",
                                            "17592186044416",
                                            "\"rank-1.h5\"",
                                            std::string(kIndexMagic),
                                            std::string(1, '\0')};
    std::vector<Part> all;
    for (const auto& [name, content] : good_) {
      all.push_back({name, {content}, words});
      const bool is_manifest = name == kManifestName;
      all.push_back({cat(name, kSealed), {is_manifest ? content.substr(content.find('\n', 2) + 1) : content}, words});
      if (is_manifest) all.back().bombs = {many_entries};
    }
    all.push_back(
        {cat("rank-0.h5", kIndex),
         {good_.at("rank-0.h5").substr(index_begins_, good_.at("rank-0.h5").size() - kIndexTail - index_begins_)},
         words,
         {many_shares}});
    return all;
  }

  /// @throws Error(data) when it is refused
  void read(const std::string& part, const std::string& input) {
    const std::string name = part.substr(0, part.find(','));
    const bool is_sealed = part != name;
    const std::string bytes = part.ends_with(kIndex)               ? with_index(input)
                              : is_sealed && name == kManifestName ? sealed(input)
                                                                   : input;
    put(folder_ / name, bytes);
    if (is_sealed && name != kManifestName) {
      Manifest manifest = manifest_;
      for (auto& file : manifest.files)
        if (file.name == name) file.bytes = bytes.size(), file.digest = digest(bytes);
      put(folder_ / kManifestName, to_text(manifest));
    }
    const auto restore = [&] {
      put(folder_ / name, good_[name]);
      put(folder_ / kManifestName, good_[kManifestName]);
    };
    try {
      load_newest();
    } catch (...) {
      restore();
      throw;
    }
    restore();
    if (!is_sealed && bytes != good_[name]) throw Error(Fault::bug, "damage went unnoticed");
  }

 private:
  void load_newest() {
    std::vector<Rejected> rejected;
    const auto found = newest_valid(folder_.parent_path(), rejected);
    if (!found) throw Error(Fault::data, rejected.empty() ? "no checkpoint" : rejected.front().why);
    auto values = state_.blank();
    load(*found, values.targets());
  }

  /// The text of a manifest behind its digest's line, under a digest that fits.
  static std::string sealed(const std::string& rest) {
    Digester digester;
    digester.add_field("peft-studio checkpoint manifest");
    digester.add(std::as_bytes(std::span(rest)));
    return cat("{\n  \"digest\": \"", digester.hex(), "\",\n", rest);
  }
  std::string with_index(const std::string& index) const {
    std::string bytes = good_.at("rank-0.h5").substr(0, index_begins_) + index;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(index.size() >> (8 * i) & 0xff);
    return bytes + std::string(kIndexMagic);
  }

  fs::path folder_;
  pst::fixture::RunState state_;
  std::map<std::string, std::string> good_;
  Manifest manifest_;
  std::size_t index_begins_ = 0;
};

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  const fixture::TemporaryDirectory dir;
  fuzz::Checkpoint checkpoint(dir.path());
  return fuzz::run(
      argc, argv,
      {.name = "checkpoint",
       .parts = checkpoint.parts(),
       .read = [&](const fuzz::Part& part, const std::string& input) { checkpoint.read(part.name, input); },
       .expected = {Fault::data},
       .most_mib = 256});
}
