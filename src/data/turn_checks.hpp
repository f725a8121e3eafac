// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "data/chat_format.hpp"
#include "data/example.hpp"
#include "recipe/data.hpp"

namespace pst::data {

/// Refuses roles that mean one that is known and are not written as it is: such turns would be written under another
/// name, and never learned. A template that knows a role itself may have it. Tells of roles that nobody knows.
/// @throws Error(data) "message 2: ..."
void check_roles(const Example& example, const ChatFormat& format, recipe::TrainOn train_on, std::vector<Note>& notes);

/// Tells of turns in an order that nobody trains on purpose, and of answers that say nothing.
void look_at_turns(const Example& example, std::vector<Note>& notes);

/// Why no token of a conversation is learned, for the note.
std::string why_nothing_is_learned(const Example& example);

}  // namespace pst::data
