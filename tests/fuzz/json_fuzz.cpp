// SPDX-License-Identifier: Apache-2.0
// JSON documents and lines: read, and asked for what is not there.
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "json/object.hpp"
#include "json/record.hpp"

namespace pst::fuzz {
namespace {

const std::string kDocument = R"({
  "format": 1, "name": "caf\u00e9", "sizes": [1, 2.5, -3e2], "on": true, "none": null,
  "inner": {"a.b": {"c": [{"d": "x"}, {"d": 18446744073709551615}]}, "rope": {"factor": 8.0}},
  "text": "a \"quoted\" line\nand \ud83d\ude00"
})";

std::string deep(Draw& draw) {
  static const std::vector<std::string> kOpen = {"[", "{\"a\":", "[{\"k\":[", "[[],"};
  return repeated(draw.of(kOpen), draw.size(200'000));
}
std::string wide(Draw& draw) {
  static const std::vector<std::string> kUnits = {"[],", "{},", "0,", "\"\",", "{\"a\":1},", "\"\\u0000\",", "1e5,"};
  return cat("[", repeated(draw.of(kUnits), draw.size(200'000)), "0]");
}
std::string members(Draw& draw) {
  std::string text = draw.one_in(2) ? "{" : cat("{\"", repeated("k", draw.size(100'000)), "\":{");
  for (std::size_t i = 0, n = draw.size(60'000); i < n; ++i)
    text += cat("\"", i, "\":", draw.one_in(9) ? "{}" : "1", ",");
  return text + "\"sizes\":7}}";
}

/// Texts that are long, or longer than they are written; keys that are there again and again.
std::string texts(Draw& draw) {
  static const std::vector<std::string> kUnits = {"\\u0000",          "\\ud83d\\ude00", "\\ud800", "\\\"",
                                                  "\xf0\x9f\x98\x80", "\xed\xa0\x80",   "\x1b[31m"};
  const std::string text = cat("\"", repeated(draw.of(kUnits), draw.size(100'000)), "\"");
  const std::string unit = draw.one_in(2) ? cat(text, ":", text, ",") : cat(text, ":{\"sizes\":", text, "},");
  return cat("{", repeated(unit, 1 + draw.size(1'000'000) / (unit.size() + 1)), "\"format\":", text, "}");
}
/// Numbers of any length, at any edge.
std::string numbers(Draw& draw) {
  const std::string digits = repeated(draw.one_in(2) ? "9" : "0", draw.size(300'000));
  static const std::vector<std::string> kEnds = {"", "e", "e-", "e+", ".", "e99999999999999999999", "e-2147483648"};
  const std::string number = cat(draw.one_in(2) ? "-" : "", draw.one_in(2) ? "1" : "0.", digits, draw.of(kEnds),
                                 draw.one_in(2) ? digits : "1");
  return cat("{\"format\":", number, ",\"sizes\":[",
             repeated(cat(number, ","), 1 + draw.size(1'000'000) / (number.size() + 1)), "1]}");
}

void look(const std::string& input) {
  (void)json::parse_record(input);
  json::Ordered ordered;
  (void)json::read(input, ordered);
  const json::Document document(input, "x.json");
  const json::Object object = document.object();
  for (const auto& [key, node] : object.members()) (void)json::shown(node.value());
  if (const auto sizes = object.get("sizes")) (void)sizes->reals();
  (void)object.inner("inner").inner("a.b").at("c").list()[0].object().text("d");
  (void)object.at("format").whole(1, 1);
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  return fuzz::run(
      argc, argv,
      {.name = "json",
       .parts = {{.name = "document",
                  .seeds = {fuzz::kDocument, R"({"t":"2026-01-01","event":"guard","step":7})"},
                  .words = {"\"a\":", "\"sizes\":", "\"inner\":", "[[[[[[[[[[", "{\"a\":{\"a\":", "1e400", "[]", "{}"},
                  .bombs = {fuzz::deep, fuzz::wide, fuzz::members, fuzz::texts, fuzz::numbers}}},
       .read = [](const fuzz::Part&, const std::string& input) { fuzz::look(input); }});
}
