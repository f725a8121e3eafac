// SPDX-License-Identifier: Apache-2.0
#include "jinja/template.hpp"

#include <gmock/gmock.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/error.hpp"

namespace pst::jinja {
namespace {

using Json = nlohmann::ordered_json;

std::string render(const std::string& source, const Json& variables = Json::object()) {
  return Template::parse(source, "t").render(variables);
}

TEST(Template, RendersAConversation) {
  const Json variables = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"add_generation_prompt", true}};

  const std::string text = render(
      "{% for m in messages %}{{ '<|' + m.role + '|>' }}\n{{ m['content'] }}\n{% endfor %}"
      "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
      variables);

  EXPECT_EQ(text, "<|user|>\nHi\n<|assistant|>\n");
}

TEST(Template, IntegersOfAnySizeAreWrittenAsTheyStood) {
  const std::string digits = "123456789012345678901234567890";
  Json variables = {{"u", 18446744073709551615u}};
  variables["d"]["n"] = Json::binary({digits.begin(), digits.end()});  // as json::read keeps it

  EXPECT_EQ(render("{{ d | tojson }}{{ d.n }}{{ d }}", variables),
            "{\"n\": " + digits + "}" + digits + "{'n': " + digits + "}");
  EXPECT_EQ(render("{{ u | tojson }} {{ u is number }} {{ u is integer }} {{ u is float }}", variables),
            "18446744073709551615 True True False");
  EXPECT_EQ(render("{{ d.n == d.n }}{{ d.n == u }}{{ d.n == 1 }}{{ 'yes' if d.n }}", variables), "TrueFalseFalseyes");
  EXPECT_THROW(render("{{ d.n + 1 }}", variables), Error);
}

TEST(Template, TheDayCanBeGiven) {
  const auto on = [](const Day& day, const std::string& format) {
    return Template::parse("{{ strftime_now('" + format + "') }}", "t").render(Json::object(), day);
  };

  EXPECT_EQ(on({2026, 11, 30}, "%A %d %B %Y %j %H:%M:%S [%Z%z] 100%%s"),
            "Monday 30 November 2026 334 00:00:00 [] 100%s");
  EXPECT_EQ(on({2024, 2, 29}, "%a"), "Thu");
  EXPECT_THROW(on({2024, 2, 29}, "%s"), Error) << "depends on the time zone";
  EXPECT_TRUE(Template::parse("{% if strftime_now is defined %}x{% endif %}", "t").reads_clock());
  EXPECT_FALSE(Template::parse("strftime_now {{ 'strftime_now' }}", "t").reads_clock());
}

TEST(Template, KeepsTheOrderOfKeys) {
  EXPECT_EQ(render("{{ d | tojson }}", {{"d", {{"z", 1}, {"a", 2}, {"m", 3}}}}), R"({"z": 1, "a": 2, "m": 3})");
}

TEST(Template, SetInALoopStaysInside) {
  EXPECT_EQ(render("{% set x = 0 %}{% for i in [1, 2] %}{% set x = i %}{% endfor %}{{ x }}"), "0");
  EXPECT_EQ(render("{% set n = namespace(x=0) %}{% for i in [1, 2] %}{% set n.x = i %}{% endfor %}{{ n.x }}"), "2");
}

TEST(Template, GenerationIsTransparent) { EXPECT_EQ(render("a{% generation %}b{{ 1 }}{% endgeneration %}c"), "ab1c"); }

/// The parts of a rendering that `generation` marks.
std::vector<std::string> generated(const std::string& source, const Json& variables = Json::object()) {
  const auto marked = Template::parse(source, "t").render_marked(variables);
  EXPECT_EQ(marked.text, render(source, variables));
  std::vector<std::string> parts;
  for (const auto& part : marked.generated) parts.push_back(marked.text.substr(part.begin, part.end - part.begin));
  return parts;
}

TEST(Template, GenerationMarksItsText) {
  using testing::ElementsAre;
  EXPECT_THAT(generated("a{% generation %}b{{ 1 }}{% endgeneration %}c"), ElementsAre("b1"));
  EXPECT_THAT(generated("{% for i in [1, 2] %}\xc3\xa9{% generation %}{{ i }}{% endgeneration %}{% endfor %}"),
              ElementsAre("1", "2"));
  EXPECT_THAT(generated("{% macro m(x) %}<{% generation %}{{ x }}{% endgeneration %}>{% endmacro %}"
                        "{% set kept = m('a') %}0{{ m('b') }}{{ kept }}"),
              ElementsAre("b", "a"));
  EXPECT_THAT(generated("{% set s %}x{% generation %}y{% endgeneration %}{% endset %}z{{ s }}{{ s }}"),
              ElementsAre("y", "y"));
  EXPECT_THAT(generated("none"), ElementsAre());
  EXPECT_TRUE(Template::parse("{%- generation -%}{% endgeneration %}", "t").marks_generation());
  EXPECT_FALSE(Template::parse("{{ generation }} generation", "t").marks_generation());
}

TEST(Template, WhatWasMarkedAndThenChangedIsRefused) {
  const std::string macro = "{% macro m() %}\n{% generation %}x{% endgeneration %}{% endmacro %}";
  for (const char* use : {"{{ m() | upper }}", "{{ 'a' ~ m() }}", "{% set s = m() %}",
                          "{% filter upper %}{% generation %}x{% endgeneration %}{% endfilter %}"}) {
    EXPECT_NO_THROW(render(macro + use));
    EXPECT_THAT([&] { generated(macro + use); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("its place is not known")))
        << use;
  }
}

TEST(Template, JsonInATextCanBeRead) {
  EXPECT_EQ(render("{{ (t | from_json).a[1] }} {{ '{\"n\": 123456789012345678901}' | fromjson }}",
                   {{"t", "{\"a\": [1, 2]}"}}),
            "2 {'n': 123456789012345678901}");
  EXPECT_THROW(render("{{ '{' | from_json }}"), Error);
}

TEST(Template, AMethodHidesAMemberOfTheSameName) {
  const Json variables = {{"d", {{"items", 1}}}};
  EXPECT_EQ(render("{{ d['items'] }}{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}", variables), "1items1");
}

TEST(Template, StrftimeNowIsToday) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  EXPECT_EQ(render("{{ strftime_now('%Y') }}"), std::to_string(1900 + local.tm_year));
}

TEST(Template, IsUsableFromSeveralThreads) {
  const Template shared = Template::parse("{% for i in range(200) %}{{ i }}{{ x }}{% endfor %}", "t");
  std::vector<std::string> texts(4);

  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < texts.size(); ++i)
    threads.emplace_back([&, i] { texts[i] = shared.render({{"x", "-"}}); });
  for (auto& thread : threads) thread.join();

  EXPECT_THAT(texts, testing::Each(shared.render({{"x", "-"}})));
}

TEST(Template, RendersAgainFromAFreshStart) {
  const Template counting = Template::parse("{% set n = namespace(x=x) %}{% set n.x = n.x + 1 %}{{ n.x }}", "t");
  EXPECT_EQ(counting.render({{"x", 1}}), "2");
  EXPECT_EQ(counting.render({{"x", 1}}), "2");
}

}  // namespace
}  // namespace pst::jinja
