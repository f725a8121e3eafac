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

TEST(TemplateErrors, UnknownNamesAreFoundWhenParsing) {
  EXPECT_EQ(parse_message("\n\n{{ x | nosuch }}"), "chat.jinja:3: the filter 'nosuch' is not supported");
  EXPECT_EQ(parse_message("a\n{% if x is nosuch %}{% endif %}"), "chat.jinja:2: the test 'nosuch' is not supported");
  EXPECT_EQ(parse_message("{{ lipsum() }}"), "chat.jinja:1: the function 'lipsum' is not supported");
  EXPECT_EQ(parse_message("{{ x.encode() }}"), "chat.jinja:1: the method 'encode' is not supported");
  EXPECT_EQ(parse_message("{% include 'a' %}"), "chat.jinja:1: the tag 'include' is not supported");
  EXPECT_EQ(parse_message("{{ x | map('nosuch') }}"), "chat.jinja:1: the filter 'nosuch' is not supported");
  EXPECT_EQ(parse_message("{{ x | selectattr('a', 'nosuch') }}"), "chat.jinja:1: the test 'nosuch' is not supported");
  EXPECT_THAT(parse_message("{% for a in b recursive %}{% endfor %}"), HasSubstr("recursive"));
  EXPECT_THAT(parse_message("{{ x | safe ~ 'y' }}"), HasSubstr("'safe' is supported at the end"));
  EXPECT_THAT(parse_message("{% macro m() %}{{ kwargs }}{% endmacro %}"), HasSubstr("'kwargs'"));
}

TEST(TemplateErrors, SyntaxErrorsNameTheLine) {
  EXPECT_EQ(parse_message("\n{% if x %}\n"), "chat.jinja:2: expected '{% endif %}', found the end of the template");
  EXPECT_THAT(parse_message("\n\n{{ x "), StartsWith("chat.jinja:3: the tag is never closed with '}}'"));
  EXPECT_THAT(parse_message("{{ (1 }}"), StartsWith("chat.jinja:1: unexpected '}', expected ')'"));
  EXPECT_THAT(parse_message("{# open"), HasSubstr("comment is never closed"));
  EXPECT_THAT(parse_message("{{ 'open }}"), HasSubstr("string is never closed"));
  EXPECT_THAT(parse_message("{% break %}"), HasSubstr("'break' outside of a loop"));
  EXPECT_THAT(parse_message("{% endfor %}"), HasSubstr("'endfor' without its beginning"));
  EXPECT_THAT(parse_message("{{ 99999999999999999999 }}"), HasSubstr("too large"));
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
  EXPECT_THAT(message("{{ 'a' % 1 }}"), HasSubstr("not supported"));
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
