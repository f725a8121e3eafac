// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "data/data_report.hpp"
#include "data/encoder.hpp"
#include "families/open_tokenizer.hpp"
#include "recipe/model.hpp"

namespace pst::data {

/// Counts the tokens that the pipeline which model.tokenizer does not choose would make otherwise.
class OtherIds {
 public:
  OtherIds(families::OtherTokenizer other, families::TokenizerPipeline chosen)
      : other_(std::move(other)), chosen_(chosen) {}

  bool compares() const { return other_.tokenizer.has_value(); }
  /// Of what is compared with.
  std::string digest() const;
  OtherTokens begin() const;
  void look_at(const Shown& record, OtherTokens& counts) const;

 private:
  families::OtherTokenizer other_;
  families::TokenizerPipeline chosen_;
};

/// Nothing where both pipelines are one.
std::optional<OtherIds> other_ids(const recipe::Model& model);

}  // namespace pst::data
