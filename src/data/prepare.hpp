// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "data/data_report.hpp"
#include "recipe/recipe.hpp"

namespace pst::data {

/// A folder with the tokenised data of a recipe. PreparedSet::open(store, "train" or "validation") reads it.
struct PreparedStore {
  std::filesystem::path store;  ///< <output_dir>/.prepared/<digest>
  std::string digest;  ///< of everything that decides the content; the same data gives the same digest anywhere
  PrepareReport report;
  bool reused = false;  ///< it was there already
};

/// What people are told: the report, and whether the store was there already.
std::string to_text(const PreparedStore& prepared);

/// Called now and then with the number of examples done so far.
using Progress = std::function<void(std::int64_t examples)>;

/// Tokenises the data of a recipe into a store, or finds the one that is there. The store's name is a digest of the
/// contents of the files, their formats, the tokenizer, the template and the settings that matter (not of shuffle and
/// packing), so that it is built once. Where the template reads the clock, the day is one of them: data.date, or today.
/// It is built beside its place and renamed: a store that is there is whole. There
/// is always a split "validation"; it is empty when the recipe asks for none.
/// @throws Error(data) listing what is wrong in the files, up to 20 mistakes each; Error(io)
PreparedStore prepare(const recipe::Recipe& recipe, const Progress& progress = {});

/// The same without writing anything: reads, renders and tokenises every example.
PrepareReport examine(const recipe::Recipe& recipe, const Progress& progress = {});

}  // namespace pst::data
