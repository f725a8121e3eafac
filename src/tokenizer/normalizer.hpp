// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "json/object.hpp"
#include "tokenizer/aligned.hpp"
#include "tokenizer/effort.hpp"

namespace pst::tokenizer {

/// The `normalizer` of tokenizer.json: a chain of the kinds in normalizer.cpp's table.
class Normalizer {
 public:
  struct Step;
  Normalizer();
  /// @param node null for none. @throws Error(data) on one that is not known or cannot be done exactly
  explicit Normalizer(const std::optional<json::Node>& node);
  Normalizer(Normalizer&&) noexcept;
  Normalizer& operator=(Normalizer&&) noexcept;
  ~Normalizer();

  bool empty() const { return steps_.empty(); }
  Aligned apply(Aligned text, Effort& effort) const;
  std::string apply(std::string_view text, Effort& effort) const {
    return std::string(apply(Aligned(text, 0), effort).text());
  }

 private:
  void read(const json::Object& node, int depth);
  std::vector<std::unique_ptr<Step>> steps_;
};

}  // namespace pst::tokenizer
