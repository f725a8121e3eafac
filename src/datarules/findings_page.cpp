// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "datarules/findings.hpp"
#include "report/page.hpp"

namespace pst::datarules {

using report::Html;
using report::html_table;
using report::markup;

namespace {

Html files_table(const Findings& findings) {
  std::vector<std::vector<Html>> rows;
  for (const FileRead& file : findings.files)
    rows.push_back({file.path, std::string(file.split == Split::train ? "train" : "validation"), file.format,
                    grouped(file.records), grouped(file.bad_records), human_bytes(file.bytes)});
  return html_table({{"file"}, {"split"}, {"format"}, {"records", true}, {"broken", true}, {"size", true}}, rows);
}

Html overview_table(const Findings& findings) {
  std::vector<std::vector<Html>> rows;
  for (const Found* const one : findings.found())
    rows.push_back({std::string(name_of(findings.level_of(*one))),
                    markup("<a href=\"#", std::string(one->rule->name), "\">", std::string(one->rule->name), "</a>"),
                    grouped(one->records), cat(fixed(100 * findings.share_of(*one), 2), " %"), grouped(one->hits)});
  return html_table({{"level"}, {"rule"}, {"records", true}, {"share", true}, {"places", true}}, rows);
}

Html section_of(const Findings& findings, const Found& found) {
  const Rule& rule = *found.rule;
  const bool is_error = findings.level_of(found) == Level::error;
  Html section = markup("<section id=\"", std::string(rule.name), "\"><h2>", std::string(rule.name),
                        "</h2><p class=\"notice", is_error ? Html(" bad") : "", "\">",
                        std::string(name_of(findings.level_of(found))), ": ", std::string(rule.finds), "</p><p>");
  if (*rule.limit.unit != '\0')
    section += markup("Limit: ", number(findings.choices().limit(rule)), " ", std::string(rule.limit.unit), ". ");
  section += markup("To do: ", std::string(rule.remedy), ".</p>");
  std::vector<std::vector<Html>> rows;
  for (const Shown& shown : found.examples)
    rows.push_back({findings.place_text(shown.place), shown.hit.where, shown.hit.detail,
                    markup("<code>", shown.hit.sample, "</code>")});
  return markup(section, html_table({{"place"}, {"text"}, {"finding"}, {"excerpt"}}, rows), "</section>\n");
}

}  // namespace

std::string Findings::to_page() const {
  const auto all = found();
  Html body = markup("<p class=soft>PEFT Studio, validation of data</p><h1>", grouped(records()), " records in ",
                     files.size(), files.size() == 1 ? " file" : " files", "</h1>\n<section>", files_table(*this));
  for (const auto& note : notes) body += markup("<p class=notice>", note, "</p>");
  body += markup("</section><section><h2>Findings</h2>",
                 all.empty() ? Html("<p>Nothing was found.</p>") : overview_table(*this), "</section>\n");
  for (const Found* const one : all) body += section_of(*this, *one);
  return report::static_page("Validation of data", body);
}

}  // namespace pst::datarules
