// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

#include "../data/model_folder.hpp"
#include "datarules/validate_data.hpp"
#include "rule_case.hpp"
#include "source_tree.hpp"

namespace pst::datarules {
namespace {

using fixture::RuleCase;

std::vector<RuleCase> all_cases() {
  std::vector<RuleCase> all;
  for (auto* const cases : {&fixture::file_cases, &fixture::text_cases, &fixture::personal_cases, &fixture::set_cases,
                            &fixture::tool_cases, &fixture::token_cases})
    for (auto& one : cases()) all.push_back(std::move(one));
  return all;
}

class Files {
 public:
  std::string write(const std::string& name, const std::string& content) {
    write_durably(folder_ / name, content);
    return (folder_ / name).string();
  }

 private:
  pst::fixture::TemporaryDirectory folder_;
};

/// What the rules find in the first or the second file of a case.
struct Outcome {
  explicit Outcome(const RuleCase& one, bool trips) {
    ValidateRequest request;
    request.data.train.push_back({.path = files.write(one.name, trips ? one.trips : one.clean)});
    if (!one.validation_trips.empty())
      request.data.validation.push_back(
          {.path = files.write("validation.jsonl", trips ? one.validation_trips : one.validation_clean)});
    request.data.max_length = one.max_length;
    if (one.has_model) {
      model.emplace(trips || one.clean_template.empty() ? one.chat_template : one.clean_template);
      if (!one.tokenizer.empty()) {
        write_durably(model->path() / "tokenizer.json", one.tokenizer);
        write_durably(model->path() / "tokenizer_config.json",
                      R"({"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<unk>"})");
      }
      write_durably(model->path() / "generation_config.json", R"({"eos_token_id": [257]})");
      request.model = model->path();
    }
    findings.emplace(validate_data(request));
    for (const Found* const found : findings->found())
      if (found->rule == &rule_named(one.rule)) of_rule = found;
  }

  Files files;
  std::optional<data::fixture::ModelFolder> model;
  std::optional<Findings> findings;
  const Found* of_rule = nullptr;
};

TEST(Rules, EachHasARecordThatTripsItAndOneThatDoesNot) {
  std::set<std::string> with_case;
  for (const RuleCase& one : all_cases()) {
    SCOPED_TRACE(cat(one.rule, ": ", one.trips.substr(0, 300)));
    with_case.insert(one.rule);

    const Outcome bad(one, true), good(one, false);

    ASSERT_NE(bad.of_rule, nullptr) << bad.findings->to_text();
    const std::string place = bad.findings->place_text(bad.of_rule->examples.at(0).place);
    if (one.line == "validation")
      EXPECT_THAT(place, ::testing::EndsWith("validation.jsonl:1"));
    else
      EXPECT_THAT(place, ::testing::EndsWith(one.line.empty() ? one.name : cat(one.name, ":", one.line)));
    EXPECT_EQ(good.of_rule, nullptr) << good.findings->to_text();
  }
  for (const Rule* const rule : all_rules()) EXPECT_TRUE(with_case.contains(rule->name)) << rule->name;
}

TEST(Rules, HaveNamesAndSentencesOfOneForm) {
  std::set<std::string> names;
  for (const Rule* const rule : all_rules()) {
    SCOPED_TRACE(rule->name);
    const std::string name = rule->name, finds = rule->finds, remedy = rule->remedy;
    EXPECT_TRUE(names.insert(name).second);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), name.npos);
    EXPECT_FALSE(finds.empty() || remedy.empty());
    EXPECT_FALSE(finds.ends_with(".") || remedy.ends_with("."));
    EXPECT_EQ(rule->limit.value != 0, *rule->limit.unit != '\0');
  }
}

TEST(Rules, PageInTheRepositoryIsUpToDate) {
  const fs::path page = fs::path(PST_SOURCE_DIR) / "docs/data-validation.md";
  const std::string begin =
      "<!-- Written from the tables in src/datarules by `PST_UPDATE_DOCS=1 datarules_test`. -->\n";
  const std::string end = "<!-- The end of what is written. -->\n";
  std::string text = read_file(page);
  const auto from = text.find(begin), to = text.find(end);
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos);
  const std::string wanted = text.substr(0, from) + begin + "\n" + rules_markdown() + text.substr(to);
  if (std::getenv("PST_UPDATE_DOCS") != nullptr) write_durably(page, text = wanted);

  EXPECT_EQ(text, wanted) << "run PST_UPDATE_DOCS=1 datarules_test --gtest_filter='Rules.*'";
}

TEST(Rules, AreIgnoredAndGivenOtherLimitsByName) {
  const auto choices = rule_choices({"loop"}, {"long-word=20"});

  EXPECT_FALSE(choices.is_on(rule_named("loop")));
  EXPECT_EQ(choices.limit(rule_named("long-word")), 20);
  EXPECT_EQ(choices.limit(rule_named("near-repeat")), 0.8);
  EXPECT_THAT([] { rule_choices({"lop"}, {}); }, ::testing::Throws<Error>(::testing::Property(
                                                     &Error::message, ::testing::HasSubstr("did you mean loop"))));
  EXPECT_THROW(rule_choices({}, {"refusal=3"}), Error);
  EXPECT_THROW(rule_choices({}, {"long-word=x"}), Error);
}

}  // namespace
}  // namespace pst::datarules
