// SPDX-License-Identifier: Apache-2.0
// A chat template comes from the internet: whatever it is, it ends soon, with a text or with an Error.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/rng.hpp"
#include "jinja/template.hpp"
#include "source_tree.hpp"

namespace pst::jinja {
namespace {

std::string repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string refusal(const std::string& source) {
  try {
    return "rendered " + std::to_string(Template::parse(source, "t").render(nlohmann::ordered_json::object()).size()) +
           " bytes";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    return error.message();
  }
}

TEST(HostileTemplate, EndlessWorkIsStopped) {
  const std::string nested = repeat("{% for i in range(1000) %}", 5) + repeat("{% endfor %}", 5);
  EXPECT_THAT(refusal(nested), testing::HasSubstr("10 million steps"));
  EXPECT_THAT(refusal("{{ range(1000000000) }}"), testing::HasSubstr("range()"));
  EXPECT_THAT(refusal("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), testing::HasSubstr("too deeply"));
  EXPECT_THAT(refusal("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}"), testing::HasSubstr("too deeply"));
  EXPECT_THAT(refusal("{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{{ caller }}{% endmacro %}{{ m() }}"),
              testing::HasSubstr("too deeply"));
  EXPECT_THAT(refusal("{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}"),
              testing::HasSubstr("too deeply"));
}

TEST(HostileTemplate, GrowthIsStopped) {
  const std::string doubled =
      "{% set n = namespace(s='x' * 1000) %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor %}";
  EXPECT_THAT(refusal(doubled), testing::HasSubstr("64 MiB"));
  EXPECT_THAT(refusal("{{ 'x' * 9000000000000000000 }}"), testing::HasSubstr("64 MiB"));
  EXPECT_THAT(refusal("{{ [1] * 9000000000000000000 }}"), testing::HasSubstr("10 million"));
  EXPECT_THAT(refusal("{{ ('x' * 60000000) | replace('', 'yyyyyyyyyyyyyyyy') }}"), testing::HasSubstr("the template"));
  EXPECT_THAT(refusal("{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}"), testing::HasSubstr("the template"));
  EXPECT_THAT(refusal("{{ 2 ** 100000000 }}"), testing::HasSubstr("63 bits"));
  EXPECT_THAT(refusal("{{ 'x'.zfill(99999999999) }}"), testing::HasSubstr("64 MiB"));
}

TEST(HostileTemplate, SharedPartsCannotExplode) {
  // Each round doubles what is reachable, though hardly anything is stored.
  const std::string grow =
      "{% set n = namespace(a=[1]) %}{% for i in range(90) %}{% set n.a = [n.a, n.a] %}{% endfor %}";
  for (const char* use : {"{{ n.a }}", "{{ n.a == n.a }}", "{{ n.a | tojson }}", "{{ n.a in [n.a] }}", ""})
    EXPECT_THAT(refusal(grow + use),
                testing::AnyOf(testing::HasSubstr("does too much"), testing::HasSubstr("beyond all measure")));
  EXPECT_THAT(refusal("{% set n = namespace(a=[]) %}{% for i in range(1000) %}{% set n.a = [n.a] %}{% endfor %}"),
              testing::HasSubstr("nested more than"));
  EXPECT_THAT(refusal("{% set n = namespace() %}{% set n.self = [n] %}"), testing::HasSubstr("not supported"));
}

TEST(HostileTemplate, NestingDoesNotOverflowTheStack) {
  constexpr int kMany = 90'000;
  using Pair = std::pair<const char*, const char*>;
  for (const auto& [open, close] : {Pair{"(", ")"},
                                    {"[", "]"},
                                    {"{'a':", "}"},
                                    {"-", ""},
                                    {"not ", ""},
                                    {"a[", "]"},
                                    {"range(", ")"},
                                    {"1 if 1 else ", ""},
                                    {"x|map(", ")"},
                                    {"a.get(", ")"}})
    EXPECT_THAT(refusal("{{ " + repeat(open, kMany) + "1" + repeat(close, kMany) + " }}"),
                testing::HasSubstr("nested more than"))
        << open;
  for (const char* unit : {".a", "[0]", "|trim", " + 1", " or 1", " ** 1"})
    EXPECT_THAT(refusal("{{ x" + repeat(unit, kMany) + " }}"), testing::HasSubstr("nested more than")) << unit;
  EXPECT_EQ(refusal("{{ 1" + repeat(" ~ 1", 1000) + " }}"), "rendered 1001 bytes");
  EXPECT_THAT(refusal("{{ 1" + repeat(" ~ 1", kMany) + " }}"), testing::HasSubstr("the template"));
  for (const char* unit : {"{% if x %}", "{% for i in x %}", "{% set a %}", "{% macro m() %}", "{% filter upper %}"})
    EXPECT_THAT(refusal(repeat(unit, 10000)), testing::HasSubstr("nested more than")) << unit;
  EXPECT_THAT(refusal("{% set " + repeat("(", kMany) + "a" + repeat(")", kMany) + " = 1 %}"),
              testing::HasSubstr("nested more than"));
  EXPECT_EQ(refusal("{% if 0 %}" + repeat("{% elif 0 %}", 20000) + "{% endif %}"), "rendered 0 bytes");
}

/// A budget that charges one operand of a product is none: each of these is small in steps and took minutes.
TEST(HostileTemplate, ProductsAreChargedInBothOperands) {
  const std::string big = "{% set h = 'a' * 4000000 %}{% set p = 'a' * 2000000 ~ 'b' %}";
  const std::string loop = "{% for i in range(3000) %}", end = "{% endfor %}";
  const std::string keys = "{% set n = namespace(d={}) %}";
  std::string names, members, arguments, parameters;
  for (int i = 0; i < 50'000; ++i) names += "{% set v" + std::to_string(i) + " = 1 %}";
  for (int i = 0; i < 250; ++i) {
    arguments += (i ? ", a" : "a") + std::to_string(i) + "=1";
    parameters += (i ? ", a" : "a") + std::to_string(i) + "=0";
    members += (i ? ", m" : "m") + std::to_string(i) + "=1";
  }
  const std::string cases[] = {
      big + "{{ p in h }}",
      big + "{{ h.find(p) }}{{ h.rfind('b' ~ p) }}{{ h.count(p) }}{{ h.replace(p, 'x') | length }}",
      big + "{{ h.split(p) | length }}{{ h.rsplit('b' ~ p) | length }}{{ h.partition(p) | length }}",
      big + "{{ h.strip(p) | length }}{{ (h | trim(p)) | length }}",
      big + loop + "{{ p in h }}" + end,
      big + loop + "{{ h.split('a') | length }}" + end,
      big + loop + "{{ [h] | unique | list | length }}" + end,
      big + loop + "{{ {h: 1}[h] }}" + end,
      big + loop + "{{ h is lower }}" + end,
      big + loop + "{{ [h, h, h] | join | length }}" + end,
      big + loop + "{{ h[1:3] }}" + end,
      big + loop + "{{ {} [h] is defined }}" + end,
      big + loop + "{{ [1] | map(attribute=h) | list }}" + end,
      big + loop + "{{ h.startswith((h, h, p, h)) }}" + end,
      "{% set l = ['x' * 1000] * 9000 %}{% for i in range(100000) %}{% set n = namespace(a=l) %}{% endfor %}",
      "{% set d = dict(range(2000) | batch(2)) %}{% for i in range(100000) %}{{ d == d.copy() }}{% endfor %}",
      "{{ ('\\n' * 60000000) | indent | length }}",
      "{{ (('x,' * 5000000).split(',')) | length }}",
      names + "{% for i in range(100000) %}{{ v49999 }}{{ v7 }}{% endfor %}",
      "{% set n = namespace(" + members +
          ") %}{% for i in range(100000) %}{{ n.m249 }}{% set n.m249 = i %}{% endfor %}",
      "{% macro m(" + parameters + ") %}{% endmacro %}{% for i in range(100000) %}{{ m(" + arguments +
          ") }}{% endfor %}",
      "{% raw %}" + repeat("{%", 1'500'000),
      "{% raw %}" + repeat("{%-\n", 900'000) + "{% endraw %}",
      "{{ raise_exception('x' * 60000000) }}",
      // what marks, lays out and formats
      big + "{{ ('<' * 60000000) | e | length }}",
      big + loop + "{{ ((h | safe) ~ h) | length }}" + end,
      big + loop + "{{ ('' | safe) + h }}" + end,
      big + loop + "{{ '%s' % h }}" + end,
      big + loop + "{{ '{} {0}'.format(h) }}" + end,
      big + loop + "{{ '{:9} {}'.format(h, h) }}" + end,
      "{{ '%999999999999d' % 1 }}",
      "{{ '%*d' % (99999999999, 1) }}",
      "{{ '{:999999999999}'.format(1) }}",
      "{{ '{:.99999f}'.format(1) }}",
      "{% for i in range(100000) %}{{ '%99999d' % 1 }}{% endfor %}",
      "{% for i in range(100000) %}{{ '{:99999,}'.format(1) }}{% endfor %}",
      "{{ ('%s' * 3000000) % tuple }}",
      "{{ ('{0}' * 3000000).format('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }}",
      "{{ '" + repeat("{", 200'000) + "'.format(1) }}",
      "{{ 'x'.center(999999999999) }}",
      "{{ 'x' | center(999999999999) }}",
      "{{ ('\\t' * 10000000).expandtabs(1000000) }}",
      "{{ ('a ' * 10000000) | wordwrap(1) | length }}",
      "{{ ('a' * 30000000) | wordwrap(1) | length }}",
      big + "{{ (h | wordwrap(3, wrapstring=h)) | length }}",
      big + loop + "{{ h | truncate(10) }}" + end,
      "{{ range(100000) | slice(999999999999) | list | length }}",
      "{% for i in range(100000) %}{{ range(100000) | slice(3) | list | length }}{% endfor %}",
      "{{ ([h, h] * 100000) | groupby('a') | length }}",
      "{% set l = ['x' * 1000] * 100000 %}{{ l | groupby(0) | length }}",
      big + loop + "{{ h | urlencode | length }}" + end,
      big + loop + "{{ {h: h} | xmlattr | length }}" + end,
      big + loop + "{{ h | from_json }}" + end,
      "{{ (('[' * 30) ~ ('1,' * 20000000)) | from_json }}",
      // calls
      "{% macro m() %}{{ varargs | length }}{% endmacro %}{% for i in range(100000) %}{{ m(*range(100000)) }}{% endfor "
      "%}",
      "{% set d = dict(range(20000) | map('string') | batch(2)) %}{% macro m() %}{{ kwargs | length }}{% endmacro %}"
      "{% for i in range(100000) %}{{ m(**d) }}{% endfor %}",
      "{% for i in range(100000) %}{{ '' ~ dict(**dict(a=1, **{'b': i})) }}{% endfor %}",
      "{% macro m() %}{% generation %}{{ 'x' * 1000000 }}{% endgeneration %}{% endmacro %}"
      "{% for i in range(100000) %}{% set s = m() %}{% endfor %}",
      "{{ " + repeat("0x" + std::string(400, 'f') + " ~ ", 10'000) + "1 }}",
  };
  for (const auto& source : cases) {
    SCOPED_TRACE(source.size() > 300 ? source.substr(0, 60) + " ... " + source.substr(source.size() - 120) : source);
    const double start_s = thread_cpu_seconds();
    EXPECT_LT(refusal(source).size(), 3000u);
    EXPECT_LT(thread_cpu_seconds() - start_s,
              15);  // most take below 1; the address sanitizer is allowed ten times that
  }
}

TEST(HostileTemplate, ProgramsOfHalfAMillionWordsAreRefused) {
  EXPECT_THAT(refusal("{{ [" + repeat("1,", 300'000) + "] }}"), testing::HasSubstr("more than 500000 words"));
  EXPECT_THAT(refusal("{{ " + std::string(2000, 'n') + " }}"), testing::HasSubstr("a name of more than 1000"));
  std::string arguments;
  for (int i = 0; i < 300; ++i) arguments += "a" + std::to_string(i) + "=1,";
  EXPECT_THAT(refusal("{{ dict(" + arguments + ") }}"), testing::HasSubstr("more than 255 arguments"));
}

TEST(HostileTemplate, MutantsNeverCrash) {
  const auto file =
      nlohmann::ordered_json::parse(read_file(fs::path(PST_SOURCE_DIR) / "tests/fixtures/jinja/llama3.json"));
  const auto snippets = nlohmann::ordered_json::parse(
      read_file(fs::path(PST_SOURCE_DIR) / "tests/fixtures/jinja/snippets_statements.json"));
  std::vector<std::string> seeds = {file.at("template")};
  for (const auto& one : snippets.at("cases")) seeds.push_back(one.at("template"));
  const auto variables = snippets.at("variables");
  const std::string alphabet = "{}%#-+|()[]'\",.:=~*/<> \nax0_\\\xc3\xa9";
  const Rng rng(7);
  const double start = monotonic_seconds();
  int rendered = 0, refused = 0;

  for (std::uint64_t round = 0; round < 2500; ++round) {
    const Rng r = rng.child(round);
    std::string source = seeds[r.below(seeds.size(), 0)];
    const std::uint64_t edits = 1 + r.below(4, 1);
    for (std::uint64_t e = 0; e < edits && !source.empty(); ++e) {
      const std::size_t at = r.below(source.size(), 10 + 4 * e);
      const char c = alphabet[r.below(alphabet.size(), 11 + 4 * e)];
      switch (r.below(4, 12 + 4 * e)) {
        case 0: source.erase(at, 1 + r.below(8, 13 + 4 * e)); break;
        case 1: source.insert(at, 1, c); break;
        case 2: source[at] = c; break;
        default: source.insert(at, source.substr(r.below(source.size(), 13 + 4 * e), 12)); break;
      }
    }
    try {
      Template::parse(source, "t").render(variables);
      ++rendered;
    } catch (const Error& error) {
      ASSERT_EQ(error.fault(), Fault::data) << source << '\n' << error.what();
      ++refused;
    }
  }

  EXPECT_GT(rendered, 100);
  EXPECT_GT(refused, 500);
  EXPECT_LT(monotonic_seconds() - start, 100);
}

}  // namespace
}  // namespace pst::jinja
