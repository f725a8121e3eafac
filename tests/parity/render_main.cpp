// SPDX-License-Identifier: Apache-2.0
// render < cases.jsonl
// One {"template": ..., "variables": {...}} per line in; one {"text": ...} or {"error": ...} per line out.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"
#include "jinja/template.hpp"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    nlohmann::json answer;
    try {
      const auto given = nlohmann::ordered_json::parse(line);
      const auto parsed = pst::jinja::Template::parse(given.at("template").get<std::string>(), "template");
      answer["text"] = parsed.render(given.at("variables"));
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
