// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "importers/draft.hpp"
#include "importers/foreign_file.hpp"

/// One function per program, in a file of its own: takes the keys it knows and puts ours into the draft.
/// All @throw Error(usage) when the file asks for another kind of training.
namespace pst::importers {

void from_axolotl(ForeignFile& file, Draft& draft, int ranks);
void from_llama_factory(ForeignFile& file, Draft& draft, int ranks);
void from_torchtune(ForeignFile& file, Draft& draft, int ranks);
void from_trl(ForeignFile& file, Draft& draft, int ranks);
void from_peft(ForeignFile& file, Draft& draft);

}  // namespace pst::importers
