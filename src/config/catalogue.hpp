// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "config/fields.hpp"

namespace pst::config {

/// A key that a user can write, described.
struct CatalogueRow {
  std::string section;  ///< "" at the top, "adapter", "data.train[]"
  std::string key;
  std::string type;     ///< Markdown
  std::string initial;  ///< the default as YAML; empty when the key is required or a section
  std::string wish;     ///< "at least 1", or empty
  std::string help;
  bool required = false;
  bool is_section = false;
};

/// Every key below what `bind_it` binds, in order. Lists of sections are described by their first item: give one.
std::vector<CatalogueRow> catalogue(const std::function<void(Fields&)>& bind_it);

/// A Markdown table per section.
std::string to_markdown(const std::vector<CatalogueRow>& rows);

}  // namespace pst::config
