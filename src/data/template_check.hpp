// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/chat_format.hpp"
#include "data/example.hpp"

namespace pst::data {

/// Whether a chat template writes what conversations hold, found by writing them without it.
class TemplateCheck {
 public:
  explicit TemplateCheck(const ChatFormat& format) : format_(format) {}

  /// Arguments of tool calls may be objects or the JSON texts of objects. Some templates write the text as it stands,
  /// others encode what they get, a text then twice. @return the messages with objects, where this template wants those
  std::optional<Json> with_objects(const Example& example) const;

  /// @param text  the example as the template writes it. Tells of tools, documents, arguments and keys of
  /// messages that it does not write
  /// @throws Error(data) where a call of a tool is lost: the model would learn to say nothing
  void look_at(const Example& example, const std::string& text, std::vector<Note>& notes);

 private:
  std::optional<std::string> written(const Json& messages, const Json& tools, const TemplateValues& values) const;
  bool is_written(const Example& example, const std::string& key, const std::string& text) const;
  void check_calls(const Example& example, const std::string& text) const;
  void look_at_values(const Example& example, const std::string& text, std::vector<Note>& notes) const;
  void look_at_keys(const Example& example, const std::string& text, std::vector<Note>& notes);

  struct KeyState {
    bool is_written = false;
    int tries = 0;
  };
  const ChatFormat& format_;
  std::map<std::string, KeyState> keys_;  // of messages, beside those that every template knows
};

}  // namespace pst::data
