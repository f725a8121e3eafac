// SPDX-License-Identifier: Apache-2.0
// Chat templates: those of the fixtures, mutated, and operations whose cost is a product of what they are given.
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "jinja/template.hpp"
#include "source_tree.hpp"

namespace pst::fuzz {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

ordered_json variables() {
  return {{"messages",
           {{{"role", "system"}, {"content", "Be brief."}},
            {{"role", "user"}, {"content", "Hello w\xc3\xb6rld, what is 2 + 2?"}},
            {{"role", "assistant"}, {"content", "4 <think>x</think>"}, {"tool_calls", ordered_json::array()}}}},
          {"tools", {{{"type", "function"}, {"function", {{"name", "f"}, {"parameters", {{"a", 1}}}}}}}},
          {"add_generation_prompt", true},
          {"bos_token", "<s>"},
          {"eos_token", "</s>"}};
}

std::vector<std::string> fixtures() {
  std::vector<std::string> all;
  for (const auto& file : fs::directory_iterator(fs::path(PST_SOURCE_DIR) / "tests/fixtures/jinja")) {
    const auto json = ordered_json::parse(read_file(file.path()));
    if (json.contains("template")) all.push_back(json["template"]);
    for (const auto& one : json.value("cases", ordered_json::array()))
      if (one.is_object() && one.contains("template")) all.push_back(one["template"]);
  }
  std::sort(all.begin(), all.end());  // a folder has no order
  return all;
}

std::string text_of(Draw& draw) {
  const std::string unit =
      draw.of(std::vector<std::string>{"'a'", "'ab'", "','", "'\\n'", "' '", "'\\u00e9'", "'\xce\xa3'"});
  return cat("(", unit, " * ", draw.size(4'000'000), draw.one_in(2) ? " ~ 'b'" : "", ")");
}

std::string value_of(Draw& draw, int depth = 0) {
  switch (draw.below(depth > 3 ? 4 : 9)) {
    case 0: return text_of(draw);
    case 1: return "h";
    case 2: return "p";
    case 3: return std::to_string(draw.size(100'000));
    case 4: return cat("range(", draw.size(100'000), ")");
    case 5: return cat("[", value_of(draw, depth + 1), "] * ", draw.size(10'000));
    case 6: return cat("(", value_of(draw, depth + 1), ", ", value_of(draw, depth + 1), ")");
    case 7: return cat("{", value_of(draw, depth + 1), ": ", value_of(draw, depth + 1), "}");
    default: return "l";
  }
}

std::string operation_of(Draw& draw) {
  static const std::vector<std::string> kMethods = {
      "find",       "rfind",      "index",        "count",    "split",   "rsplit",       "strip",
      "lstrip",     "rstrip",     "startswith",   "endswith", "join",    "replace",      "partition",
      "rpartition", "splitlines", "upper",        "title",    "isdigit", "removeprefix", "zfill",
      "get",        "items",      "removesuffix", "keys",     "format",  "center",       "ljust",
      "rjust",      "expandtabs", "casefold",     "swapcase", "rindex",  "islower"};
  static const std::vector<std::string> kFilters = {
      "trim",      "unique",         "sort",       "join",  "list",    "reverse",   "indent",  "tojson",
      "length",    "title",          "string",     "map",   "select",  "batch",     "max",     "sum",
      "first",     "replace",        "dictsort",   "int",   "safe",    "e",         "center",  "truncate",
      "wordwrap",  "wordcount",      "format",     "slice", "groupby", "urlencode", "xmlattr", "attr",
      "from_json", "filesizeformat", "forceescape"};
  static const std::vector<std::string> kSigns = {" in ", " == ", " ~ ", " + ", " * ", " < ", " not in ", " % "};
  const std::string value = value_of(draw);
  std::string given;
  for (std::size_t i = 0, n = draw.below(3); i < n; ++i) given += cat(i ? ", " : "", value_of(draw));
  switch (draw.below(7)) {
    case 5: return cat("(", value, " | safe) ", draw.of(kSigns), "(", value_of(draw), ")");
    case 6: return cat("dict(*", value, ", **", value_of(draw), ")");
    case 0: return cat("(", value, ").", draw.of(kMethods), "(", given, ")");
    case 1: return cat("(", value, ") | ", draw.of(kFilters), given.empty() ? "" : cat("(", given, ")"));
    case 2: return cat("(", value, ")", draw.of(kSigns), "(", value_of(draw), ")");
    case 3: return cat("(", value, ")[", value_of(draw), draw.one_in(2) ? ":" : "", "]");
    default: return cat("namespace(a=", value, ").a");
  }
}

std::string products(Draw& draw) {
  std::string text = cat("{% set h = ", text_of(draw), " %}{% set p = ", text_of(draw),
                         " %}{% set l = ", value_of(draw), " %}{% set n = namespace(a='x') %}");
  const bool loop = draw.one_in(2);
  if (loop) text += cat("{% for i in range(", draw.size(100'000), ") %}");
  for (std::size_t i = 0, times = 1 + draw.below(3); i < times; ++i)
    text += draw.one_in(2) ? cat("{{ (", operation_of(draw), ") | string | length }}")
                           : cat("{% set n.a = ", operation_of(draw), " %}");
  return loop ? text + "{% endfor %}" : text;
}

std::string many_of_a_kind(Draw& draw) {
  const std::size_t n = draw.size(60'000);
  std::string text;
  const std::size_t kind = draw.below(6);
  for (std::size_t i = 0; i < n; ++i) {
    switch (kind) {
      case 0: text += cat("{% set v", i, " = 1 %}{{ v0 }}"); break;
      case 1: text += "{% raw %}{% x %}{% endraw %}"; break;
      case 2: text += "{%-"; break;
      case 3: text += cat("{% macro m", i, "(a=", i, ") %}{% endmacro %}"); break;
      case 4: text += cat(i ? "," : "{{ dict(", "a", i, "=1"); break;
      default: text += "{% if x %}{{ -"; break;
    }
  }
  return text;
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  const auto variables = fuzz::variables();
  return fuzz::run(
      argc, argv,
      {.name = "template",
       .parts = {{.name = "template",
                  .seeds = fuzz::fixtures(),
                  .words = {"{%",        "%}",    "{{",       "}}",     "{#",       "#}",         "{%-",
                            "-%}",       "for",   "in",       "if",     "else",     "endif",      "endfor",
                            "set",       "macro", "endmacro", "raw",    "endraw",   "call",       "filter",
                            "namespace", "loop",  "range",    "|",      "tojson",   "messages",   ".items()",
                            "*",         "**",    "~",        "//",     "1000000",  "is",         "not",
                            "recursive", "loop(", "varargs",  "kwargs", "caller()", "generation", "endgeneration",
                            "format",    "safe",  "'{:>9}'",  "'%9s'",  "0x",       "\\u"},
                  .bombs = {fuzz::products, fuzz::products, fuzz::many_of_a_kind}}},
       .read = [&](const fuzz::Part&,
                   const std::string& input) { jinja::Template::parse(input, "t").render_marked(variables); },
       .slowest_s = 10});
}
