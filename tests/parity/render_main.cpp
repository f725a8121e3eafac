// SPDX-License-Identifier: Apache-2.0
// render < cases.jsonl
// One {"template": ..., "variables": {...}} per line in; one {"text": ...} or {"error": ...} per line out, with
// "generated": [[begin, end], ...], in bytes, or "generated_error" where the template has {% generation %}.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"
#include "jinja/template.hpp"

namespace {

/// Adds the parts that {% generation %} marks.
void add_generated(nlohmann::json& answer, const pst::jinja::Template& parsed,
                   const nlohmann::ordered_json& variables) {
  try {
    answer["generated"] = nlohmann::json::array();
    for (const auto& part : parsed.render_marked(variables).generated)
      answer["generated"].push_back({part.begin, part.end});
  } catch (const pst::Error& error) {
    answer["generated_error"] = error.message();
  }
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    nlohmann::json answer;
    try {
      const auto given = nlohmann::ordered_json::parse(line);
      const auto parsed = pst::jinja::Template::parse(given.at("template").get<std::string>(), "template");
      answer["text"] = parsed.render(given.at("variables"));
      if (parsed.marks_generation()) add_generated(answer, parsed, given.at("variables"));
    } catch (const pst::Error& error) {
      answer["error"] = error.message();
    } catch (const nlohmann::json::exception& error) {
      std::cerr << error.what() << '\n';
      return 65;
    }
    std::cout << answer.dump() << '\n';
  }
  return 0;
}
