// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "jinja/template.hpp"

namespace pst::jinja {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string message(const std::string& source,
                    const nlohmann::ordered_json& variables = nlohmann::ordered_json::object()) {
  try {
    return "rendered " + Template::parse(source, "chat.jinja").render(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    return error.message();
  }
}

/// The message when the template is only parsed.
std::string parse_message(const std::string& source) {
  try {
    Template::parse(source, "chat.jinja");
    return "parsed";
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(TemplateErrors, WhatIsNotSupportedFailsWhereItIsReached) {
  for (const auto& [construct, complaint] : std::vector<std::pair<std::string, std::string>>{
           {"{{ x | nosuch }}", "the filter 'nosuch' is not supported"},
           {"{{ x | nosuch.deep }}", "the filter 'nosuch.deep' is not supported"},
           {"{% if x is nosuch %}{% endif %}", "the test 'nosuch' is not supported"},
           {"{{ lipsum() }}", "the function 'lipsum' is not supported"},
           {"{{ 'x'.encode() }}", "the method 'encode' of a str is not supported"},
           {"{{ {}.fromkeys([1]) }}", "the method 'fromkeys' of a dict is not supported"},
           {"{% include 'a' %}", "the tag 'include' is not supported"},
           {"{% from 'a' import b as c %}", "the tag 'from' is not supported"},
           {"{% block b %}x{% endblock b %}", "the tag 'block' is not supported"},
           {"{% autoescape true %}x{% endautoescape %}", "the tag 'autoescape' is not supported"},
           {"{{ [1] | map('nosuch') | list }}", "the filter 'nosuch' is not supported"},
           {"{{ [1] | select('nosuch') | list }}", "the test 'nosuch' is not supported"},
           {"{% filter nosuch %}x{% endfilter %}", "the filter 'nosuch' is not supported"},
           {"{{ '\\N{BULLET}' }}", "'\\N{...}' in a string is not supported"},
           {"{{ '\\ud83d' 'x' }}", "half of a character (a surrogate) in a string is not supported"},
           {"{{ 99999999999999999999 + 1 }}", "reckoning with integers beyond 63 bits is not supported"},
           {"{{ 'a-b' | wordwrap(2) }}",
            "'wordwrap' of a text with hyphens is not supported, but for break_on_hyphens=false"}}) {
    EXPECT_EQ(message("a\n\n" + construct), "chat.jinja:3: " + complaint);
    EXPECT_EQ(message("{% if false %}" + construct + "{% endif %}ok"), "rendered ok") << construct;
  }
}

TEST(TemplateErrors, TheSandboxRefusesToChangeListsAndDicts) {
  EXPECT_EQ(message("{{ [].append(1) }}"), "chat.jinja:1: access to attribute 'append' of 'list' object is unsafe.");
  EXPECT_EQ(message("{{ {}.update({}) }}"), "chat.jinja:1: access to attribute 'update' of 'dict' object is unsafe.");
}

TEST(TemplateErrors, SyntaxErrorsNameTheLine) {
  EXPECT_EQ(parse_message("\n{% if x %}\n"), "chat.jinja:2: expected '{% endif %}', found the end of the template");
  EXPECT_THAT(parse_message("\n\n{{ x "), StartsWith("chat.jinja:3: the tag is never closed with '}}'"));
  EXPECT_THAT(parse_message("{{ (1 }}"), StartsWith("chat.jinja:1: unexpected '}', expected ')'"));
  EXPECT_THAT(parse_message("{# open"), HasSubstr("comment is never closed"));
  EXPECT_THAT(parse_message("{{ 'open }}"), HasSubstr("string is never closed"));
  EXPECT_THAT(parse_message("{% break %}"), HasSubstr("'break' outside of a loop"));
  EXPECT_THAT(parse_message("{% endfor %}"), HasSubstr("'endfor' without its beginning"));
  EXPECT_THAT(parse_message("{{ " + std::string(5000, '9') + " }}"), HasSubstr("more than 4300 digits"));
  EXPECT_THAT(parse_message("{% nosuch %}"), HasSubstr("there is no tag 'nosuch'"));
  EXPECT_THAT(parse_message("{{ f(*a, b) }}"), HasSubstr("follows one with '*'"));
  EXPECT_THAT(parse_message("{{ x \xff }}"), HasSubstr("not UTF-8"));
}

TEST(TemplateErrors, RunTimeErrorsNameTheLine) {
  EXPECT_EQ(message("\n{{ missing.role }}"), "chat.jinja:2: 'missing' is undefined");
  EXPECT_EQ(message("{% if true %}\n\n{{ 1 + 'a' }}{% endif %}"),
            "chat.jinja:3: unsupported operand types for +: 'int' and 'str'");
  EXPECT_EQ(message("{{ raise_exception('roles must alternate') }}"),
            "chat.jinja:1: the template refuses this conversation: roles must alternate");
  EXPECT_THAT(message("{{ 1 / 0 }}"), HasSubstr("division by zero"));
  EXPECT_THAT(message("{{ 9223372036854775807 + 1 }}"), HasSubstr("63 bits"));
  EXPECT_THAT(message("{{ 'a' % 1 }}"), HasSubstr("not all arguments converted"));
}

TEST(TemplateErrors, VariablesAreChecked) {
  EXPECT_THAT(message("x", nlohmann::ordered_json::array()), HasSubstr("no JSON object"));
  EXPECT_THAT(message("x", {{"a", "\xff"}}), HasSubstr("not UTF-8"));
  nlohmann::ordered_json deep = 1;
  for (int i = 0; i < 1000; ++i) deep = nlohmann::ordered_json::array({deep});
  EXPECT_THAT(message("x", {{"a", deep}}), HasSubstr("nested more than"));
}

}  // namespace
}  // namespace pst::jinja
