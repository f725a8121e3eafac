// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/strings.hpp"
#include "data/example.hpp"
#include "datarules/json_schema.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr const char* kAsTemplatesDo = "the form that OpenAI published and chat templates read";
constexpr Rule kForm{"call-form",
                     Level::error,
                     "a call of a tool without a name that is a text",
                     "write {\"function\": {\"name\": ..., \"arguments\": {...}}}",
                     {},
                     kAsTemplatesDo};
constexpr Rule kUnknown{"call-of-unknown-tool",
                        Level::error,
                        "a call of a tool that `tools` does not have",
                        "add the tool to `tools`, or correct the name",
                        {},
                        kAsTemplatesDo};
constexpr Rule kArguments{
    "call-arguments",  Level::error, "arguments of a call that are no object, nor the JSON text of one",
    "write an object", {},           kAsTemplatesDo};
constexpr Rule kSchema{"call-against-schema",
                       Level::error,
                       "arguments that do not fit the tool's `parameters`",
                       "correct them: a model learns to call it wrongly",
                       {},
                       "JSON Schema draft 7"};
constexpr Rule kSameId{
    "call-id-twice", Level::error, "two calls with the same id", "give each call an id of its own", {}, kAsTemplatesDo};
constexpr Rule kUnanswered{"call-unanswered",
                           Level::warning,
                           "a call that no message of the role `tool` answers, though the conversation goes on",
                           "add the answer of the tool",
                           {},
                           kAsTemplatesDo};
constexpr Rule kOrphan{"answer-of-no-call",
                       Level::error,
                       "an answer of a tool to no call before it",
                       "add the call to the turn before, with the id that the answer names",
                       {},
                       kAsTemplatesDo};
constexpr Rule kNeverCalled{"tool-never-called", Level::info, "a record with tools that calls none",
                            "none: a model learns when not to call, too"};
constexpr Rule kInText{"call-in-text",
                       Level::warning,
                       "a call written into the text of a turn: `<tool_call>` and the like",
                       "write it as `tool_calls`, so that every template writes it its own way",
                       {},
                       kAsTemplatesDo};

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_member(const Json& object, const char* key) {
  const Json* const found = member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

/// {"function": {...}} or its inside.
const Json& inside(const Json& tool) {
  const Json* const function = member(tool, "function");
  return function != nullptr && function->is_object() ? *function : tool;
}

class ToolChecker final : public Checker {
 public:
  void look(const RecordView& record, Findings& findings) override {
    if (record.example == nullptr || record.example->kind != data::Example::Kind::chat) return;
    Conversation(record, findings).look();
  }

 private:
  class Conversation {
   public:
    Conversation(const RecordView& record, Findings& findings) : record_(record), findings_(findings) {
      if (!record.example->tools.is_array()) return;
      for (const Json& tool : record.example->tools)
        if (auto name = text_member(inside(tool), "name"); !name.empty())
          parameters_[std::move(name)] = member(inside(tool), "parameters");
    }

    void look() {
      const Json& messages = record_.example->messages;
      for (const Json& message : messages) {
        ++number_;
        const std::string role = text_member(message, "role");
        if (role == "tool" || role == "function" || role == "ipython")
          look_at_answer(message);
        else
          tell_unanswered();
        if (data::has_calls(message) && message["tool_calls"].is_array())
          for (const Json& call : message["tool_calls"]) look_at_call(call);
        if (role == "assistant") look_at_text(text_member(message, "content"));
      }
      if (!parameters_.empty() && !has_called_) tell(kNeverCalled, {});
    }

   private:
    void tell(const Rule& rule, const std::string& detail) {
      findings_.add(rule, record_.place, [&] { return Hit{detail, cat("message ", number_)}; });
    }

    void look_at_call(const Json& call) {
      has_called_ = true;
      const std::string id = text_member(call, "id");
      if (!id.empty() && !ids_.insert(id).second) tell(kSameId, quoted(id, 60));
      open_.push_back(id);
      const Json& function = inside(call);
      const std::string name = text_member(function, "name");
      if (name.empty()) return tell(kForm, {});
      const auto tool = parameters_.find(name);
      if (tool == parameters_.end()) tell(kUnknown, quoted(name, 60));
      const Json* arguments = member(function, "arguments");
      std::optional<Json> parsed;
      if (arguments != nullptr && arguments->is_string()) {
        parsed = data::json_in_text(arguments->get_ref<const std::string&>());
        arguments = parsed ? &*parsed : nullptr;
        if (arguments == nullptr) return tell(kArguments, cat(quoted(name, 60), ": a text that is no JSON"));
      }
      if (arguments == nullptr) return;
      if (!arguments->is_object())
        return tell(kArguments, cat(quoted(name, 60), ": a JSON ", data::kind_of(*arguments)));
      if (tool == parameters_.end() || tool->second == nullptr) return;
      if (const auto flaw = schema_flaw(*tool->second, *arguments, name))
        tell(kSchema, cat(quoted(name, 60), ": ", *flaw));
    }

    void look_at_answer(const Json& message) {
      const std::string id = text_member(message, "tool_call_id");
      const auto call = id.empty() ? open_.begin() : std::find(open_.begin(), open_.end(), id);
      // Calls without ids are answered in their order.
      const auto nameless = std::find(open_.begin(), open_.end(), std::string());
      const auto answered = call != open_.end() ? call : nameless;
      if (answered == open_.end()) return tell(kOrphan, id.empty() ? std::string() : quoted(id, 60));
      open_.erase(answered);
    }

    void tell_unanswered() {
      if (!open_.empty()) tell(kUnanswered, cat(open_.size(), open_.size() == 1 ? " call" : " calls"));
      open_.clear();
    }

    void look_at_text(const std::string& text) {
      constexpr std::array<std::string_view, 6> kMarks = {"<tool_call>",    "<function=",    "[TOOL_CALLS]",
                                                          "<|python_tag|>", "<|tool_call|>", "<function_call>"};
      for (const auto mark : kMarks)
        if (text.find(mark) != text.npos) return tell(kInText, quoted(mark));
    }

    const RecordView& record_;
    Findings& findings_;
    std::map<std::string, const Json*> parameters_;
    std::set<std::string> ids_;
    std::vector<std::string> open_;  // ids of calls that wait for an answer
    int number_ = 0;
    bool has_called_ = false;
  };
};

}  // namespace

const RuleFamily kToolRules{
    []() -> RuleGroup {
      return {"Tools",
              {&kForm, &kUnknown, &kArguments, &kSchema, &kSameId, &kUnanswered, &kOrphan, &kInText, &kNeverCalled}};
    },
    [](const CheckContext&, const RuleChoices&) -> std::unique_ptr<Checker> {
      return std::make_unique<ToolChecker>();
    }};

}  // namespace pst::datarules
