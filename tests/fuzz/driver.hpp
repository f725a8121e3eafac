// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/rng.hpp"

/// Hands hostile input to one reader, again and again. Asked is an answer or an Error of an expected kind: no crash, no
/// other exception, no input that takes long or much memory. The same seed gives the same inputs on every machine.
namespace pst::fuzz {

/// Numbers of one input, drawn one after the other.
class Draw {
 public:
  explicit Draw(Rng rng) : rng_(rng) {}
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : static_cast<std::size_t>(rng_.below(bound, next_++)); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class List>
  const auto& of(const List& list) {
    return list[below(std::size(list))];
  }
  /// 1 to `most`, small ones as likely as large ones: half of the draws are below the square root of `most`.
  std::size_t size(std::size_t most);

 private:
  Rng rng_;
  std::uint64_t next_ = 0;
};

/// A file, a text: what a reader is given.
struct Part {
  std::string name;
  std::vector<std::string> seeds;                          ///< good ones, to mutate
  std::vector<std::string> words;                          ///< that mean something to the reader
  std::vector<std::function<std::string(Draw&)>> bombs{};  ///< makers of inputs whose cost is a product
};

struct Target {
  std::string name;
  std::vector<Part> parts;
  std::function<void(const Part&, const std::string& input)> read;
  std::set<Fault> expected = {Fault::data, Fault::usage};
  /// Of one input, without sanitizers; with them five times as much.
  double slowest_s = 5;
  std::size_t most_mib = 500;
};

std::string repeated(std::string_view text, std::size_t times);
void put(const std::filesystem::path& file, const std::string& content);  ///< makes its folder

/// The YAML files below a folder of the repository, in an order that does not depend on the disk.
std::vector<std::string> files_below(const char* folder);

/// The program: --mutations N or as many as --cpu-s allows, --seed S, --only I for one of them. @return its exit status
int run(int argc, char** argv, const Target& target);

}  // namespace pst::fuzz
