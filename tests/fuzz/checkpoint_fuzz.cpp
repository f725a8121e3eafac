// SPDX-License-Identifier: Apache-2.0
// Hostile checkpoints: mutates the files of a good one and lets the reader loose on them. What is asked: an answer or
// an Error, never a crash, never more than 256 MB, never long. Bits that changed without the digests noticing are a
// failure.
//
//   checkpoint_fuzz --mutations 100000 --seed 1
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>

#include "checkpoint/rank_reader.hpp"
#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "unit/checkpoint/a_run.hpp"

#ifdef __SANITIZE_ADDRESS__
/// The address sanitizer keeps up to 256 MB of freed memory to find its late use; 16 are enough here, where an object
/// lives as long as one mutation, and leave the peak to what the reader takes.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=16"; }
#endif

namespace pst {
namespace {

using namespace checkpoint;
namespace fs = std::filesystem;

const std::vector<std::string> kNames = {"manifest.json", "state.h5", "rank-0.h5", "rank-1.h5"};
// A rank's file ends with text; half of the mutations go there, since elsewhere only values are hit.
constexpr std::size_t kIndexBytes = 600;
// Bytes that mean something to a JSON reader or to arithmetic.
constexpr std::string_view kTokens[] = {
    "[",    "]",   "{",   "}", "-1",      "18446744073709551615", "9223372036854775807",    "1e999", "\"",
    "null", "0.5", "\\u", ",", "{\"a\":", "[[[[[[[[[[[[",         std::string_view("\0", 1)};

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  std::string mutate(std::string text, bool text_at_end) {
    const std::size_t times = 1 + below(4);
    for (std::size_t i = 0; i < times; ++i) once(text, text_at_end && below(2) == 0);
    return text;
  }

 private:
  void once(std::string& text, bool at_end) {
    const std::size_t from = at_end && text.size() > kIndexBytes ? text.size() - kIndexBytes : 0;
    const std::size_t at = from + below(text.size() - from);
    switch (below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ 1 << below(8));
        break;
      case 1: text.resize(at); break;
      case 2: text.insert(at, kTokens[below(std::size(kTokens))]); break;
      case 3: text.erase(at, 1 + below(16)); break;
      case 4: text.insert(at, text.substr(below(text.size()), below(200))); break;  // a splice of itself
      case 5:
        text.replace(at, std::min<std::size_t>(text.size() - at, 1 + below(8)), kTokens[below(std::size(kTokens))]);
        break;
    }
  }
  std::mt19937_64 random_;
};

struct Counts {
  std::int64_t refused = 0, unchanged = 0, loaded = 0;
  double slowest_s = 0;
};

class Fuzz {
 public:
  Fuzz(const fs::path& dir, std::uint64_t seed)
      : folder_(dir / "step-00000007"), state_(fixture::small_state()), mutate_(seed) {
    if (fixture::Ranks(dir, 2, state_).save(7).phase != Writer::Phase::committed) std::abort();
    for (const auto& name : kNames) good_.push_back(read_file(folder_ / name));
    manifest_ = read_manifest(folder_);
  }

  void once() {
    const std::size_t which = mutate_.below(kNames.size());
    const bool forge = which > 0 && mutate_.below(2) == 0;
    const bool forge_manifest = which == 0 && mutate_.below(2) == 0;
    const std::string bytes = forge_manifest
                                  ? resealed(mutate_.mutate(good_[0].substr(good_[0].find('\n', 2) + 1), false))
                                  : mutate_.mutate(good_[which], which >= 2);
    put(which, bytes);
    if (forge) {  // an attacker's digests fit
      Manifest manifest = manifest_;
      for (auto& file : manifest.files)
        if (file.name == kNames[which]) file.bytes = bytes.size(), file.digest = digest(bytes);
      put(0, to_text(manifest));
    }
    look(bytes == good_[which], forge || forge_manifest);
    put(which, good_[which]);
    if (forge) put(0, good_[0]);
  }

  Counts counts;
  std::string failure;

 private:
  /// The text of a manifest behind its digest's line, under a digest that fits.
  static std::string resealed(const std::string& rest) {
    Digester digester;
    digester.add_field("peft-studio checkpoint manifest");
    digester.add(std::as_bytes(std::span(rest)));
    return cat("{\n  \"digest\": \"", digester.hex(), "\",\n", rest);
  }

  void put(std::size_t which, const std::string& bytes) const {
    std::ofstream(folder_ / kNames[which], std::ios::binary | std::ios::trunc) << bytes;
  }

  void look(bool same, bool forged) {
    const double begin_s = monotonic_seconds();
    bool good = false;
    try {
      std::vector<Rejected> rejected;
      if (const auto found = newest_valid(folder_.parent_path(), rejected)) {
        good = true;
        auto read = state_.blank();
        load(*found, read.targets());
        ++counts.loaded;
      }
    } catch (const Error&) {
      good = false;
    }
    if (good && same) ++counts.unchanged;
    if (good && !same && !forged) failure = "damage went unnoticed";
    if (!good) ++counts.refused;
    counts.slowest_s = std::max(counts.slowest_s, monotonic_seconds() - begin_s);
  }

  fs::path folder_;
  fixture::RunState state_;
  Mutator mutate_;
  std::vector<std::string> good_;
  Manifest manifest_;
};

int fuzz(std::int64_t mutations, std::uint64_t seed) {
  const fixture::TemporaryDirectory dir;
  Fuzz run(dir.path(), seed);
  for (std::int64_t i = 0; i < mutations && run.failure.empty(); ++i) run.once();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto peak_mb = usage.ru_maxrss / 1024;
  std::cout << mutations << " mutations, seed " << seed << ": " << run.counts.refused << " refused, "
            << run.counts.loaded << " loaded (forged digests, or unchanged: " << run.counts.unchanged << "), peak "
            << peak_mb << " MB, slowest " << run.counts.slowest_s * 1e3 << " ms\n";
  if (!run.failure.empty()) std::cout << "FAILED: " << run.failure << '\n';
  if (peak_mb > 256) std::cout << "FAILED: more than 256 MB\n";
  if (run.counts.slowest_s > 5) std::cout << "FAILED: slower than 5 s\n";
  return run.failure.empty() && peak_mb <= 256 && run.counts.slowest_s <= 5 ? 0 : 1;
}

}  // namespace
}  // namespace pst

int main(int argc, char** argv) {
  std::int64_t mutations = 2000;
  std::uint64_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto value = pst::to_int(argv[i + 1]);
    if (!value) return 64;
    if (std::string_view(argv[i]) == "--mutations") mutations = *value;
    if (std::string_view(argv[i]) == "--seed") seed = static_cast<std::uint64_t>(*value);
  }
  return pst::fuzz(mutations, seed);
}
