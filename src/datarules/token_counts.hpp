// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <map>
#include <vector>

#include "datarules/record_view.hpp"

namespace pst::tokenizer {
class Tokenizer;
}

namespace pst::datarules {

/// For each id whether its token is a byte that the vocabulary has no character for: "<0x0A>".
std::vector<bool> byte_tokens(const tokenizer::Tokenizer& tokenizer);

/// A length that answers have far more often than its neighbours.
struct Spike {
  std::size_t length = 0;
  std::int64_t count = 0;
  double usual = 0;  ///< of the lengths beside it
  Place first;
};

/// How often answers have a length.
class LengthCounts {
 public:
  void add(std::size_t length, Place place);
  /// At powers of two and round thousands, and one token beside them; of at least 10 answers.
  std::vector<Spike> spikes(double times) const;

 private:
  struct Count {
    std::int64_t count = 0;
    Place first;
  };
  std::map<std::size_t, Count> counts_;
};

/// A record that is unlike the others.
struct Odd {
  Place place;
  double ratio = 0, median = 0;
};

/// A ratio for each record: 12 bytes of memory each.
class RatioCounts {
 public:
  void add(double ratio, Place place) { all_.push_back({static_cast<float>(ratio), place}); }
  /// Those over `times` the median, or under it divided by `times`; none of fewer than 100 records.
  std::vector<Odd> odd_ones(double times) const;

 private:
  struct One {
    float ratio;
    Place place;
  };
  std::vector<One> all_;
};

}  // namespace pst::datarules
