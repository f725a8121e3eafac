// SPDX-License-Identifier: Apache-2.0
#include "data/prepare.hpp"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "data/prepared.hpp"
#include "model_folder.hpp"
#include "support/errors.hpp"
#include "support/strangers.hpp"

namespace pst::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string chat_line(const std::string& question, const std::string& answer) {
  const nlohmann::json record = {
      {"messages", {{{"role", "user"}, {"content", question}}, {{"role", "assistant"}, {"content", answer}}}}};
  return record.dump() + "\n";
}

class Prepare : public ::testing::Test {
 protected:
  Prepare() {
    recipe_.name = "x";
    recipe_.model.path = model_.path().string();
    recipe_.output_dir = (folder_ / "runs").string();
    recipe_.data.train = {{(folder_ / "train.jsonl").string()}};
    std::string content;
    for (int i = 0; i < 20; ++i) content += chat_line(cat("question ", i), cat("answer ", i));
    write("train.jsonl", content);
  }
  void write(const std::string& name, const std::string& content) { write_durably(folder_ / name, content); }

  std::vector<std::string> texts(const PreparedStore& store, const std::string& split) const {
    const auto tokenizer = tokenizer::Tokenizer::load(model_.path());
    const auto set = PreparedSet::open(store.store, split);
    std::vector<std::string> all;
    for (std::size_t i = 0; i < set.size(); ++i)
      all.push_back(fixture::marked(tokenizer, set.document(i).ids, set.document(i).labelled));
    return all;
  }
  std::vector<std::string> left_in_cache() const {
    std::vector<std::string> names;
    if (fs::exists(folder_ / "runs/.prepared"))
      for (const auto& entry : fs::directory_iterator(folder_ / "runs/.prepared"))
        names.push_back(entry.path().filename());
    return names;
  }
  std::string complaint() const {
    try {
      prepare(recipe_);
      return "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data) << error.what();
      return error.what();
    }
  }

  fixture::ModelFolder model_;
  pst::fixture::TemporaryDirectory folder_;
  recipe::Recipe recipe_;
};

TEST_F(Prepare, StoresExamplesInFileOrderAndCounts) {
  const PreparedStore store = prepare(recipe_);

  const auto train = texts(store, "train");
  ASSERT_EQ(train.size(), 20u);
  EXPECT_EQ(train[3], "<|im_start|>user\nquestion 3<|im_end|>\n<|im_start|>assistant\n[answer 3<|im_end|>]\n");
  EXPECT_THAT(texts(store, "validation"), IsEmpty());
  EXPECT_EQ(store.report.total.examples, 20);
  EXPECT_EQ(store.report.total.kept, 20);
  EXPECT_EQ(store.report.train.documents, 20);
  EXPECT_EQ(store.report.train.labelled_tokens, 10 * 9 + 10 * 10);
  EXPECT_EQ(store.report.total.tokens, PreparedSet::open(store.store, "train").tokens());
  EXPECT_FALSE(store.reused);
  EXPECT_THAT(left_in_cache(), ElementsAre(store.digest));
}

TEST_F(Prepare, IsBuiltOnceAndReused) {
  const PreparedStore first = prepare(recipe_);
  const auto written = fs::last_write_time(first.store / "train.ids");

  const PreparedStore second = prepare(recipe_);

  EXPECT_TRUE(second.reused);
  EXPECT_EQ(second.store, first.store);
  EXPECT_EQ(second.report.to_text(), first.report.to_text());
  EXPECT_EQ(fs::last_write_time(first.store / "train.ids"), written);
}

TEST_F(Prepare, AStoreThatIsUsedAgainTellsOfTheFilesThatAreGivenNow) {
  write("train.jsonl", chat_line("a", "") + chat_line("a", "b"));
  prepare(recipe_);
  write("copy.jsonl", read_file(folder_ / "train.jsonl"));
  recipe_.data.train[0].path = (folder_ / "copy.jsonl").string();

  const PreparedStore again = prepare(recipe_);

  EXPECT_TRUE(again.reused);
  EXPECT_THAT(again.report.to_text(), HasSubstr("copy.jsonl: chat"));
  EXPECT_THAT(again.report.to_text(),
              HasSubstr("note: " + (folder_ / "copy.jsonl").string() + ":1: an answer is empty"));
  EXPECT_THAT(again.report.to_text(), ::testing::Not(HasSubstr("train.jsonl")));
}

TEST_F(Prepare, AStoreOfAnOlderVersionIsMadeAgainUnderItsName) {
  const PreparedStore first = prepare(recipe_);
  auto meta = nlohmann::ordered_json::parse(read_file(first.store / "meta.json"));
  meta["report"]["sources"][0].erase("notes");
  write_durably(first.store / "meta.json", meta.dump());

  const PreparedStore second = prepare(recipe_);

  EXPECT_FALSE(second.reused);
  EXPECT_EQ(second.digest, first.digest);
  EXPECT_TRUE(prepare(recipe_).reused);
}

TEST_F(Prepare, TheDayOfATemplateThatWritesItIsPartOfTheName) {
  write("t.jinja", cat("{{ strftime_now('%d %b %Y') }}", fixture::kChatml));
  recipe_.data.date = "2026-01-02";
  const std::string without = prepare(recipe_).digest;  // this template does not ask
  recipe_.data.chat_template = (folder_ / "t.jinja").string();

  const PreparedStore one = prepare(recipe_);
  recipe_.data.date = "2026-01-03";
  const PreparedStore two = prepare(recipe_);
  recipe_.data.date.reset();
  const PreparedStore today = prepare(recipe_);

  EXPECT_THAT(texts(one, "train")[0], ::testing::StartsWith("02 Jan 2026<|im_start|>"));
  EXPECT_THAT(texts(two, "train")[0], ::testing::StartsWith("03 Jan 2026<|im_start|>"));
  EXPECT_EQ(std::set({without, one.digest, two.digest, today.digest}).size(), 4u);
  EXPECT_THAT(one.report.to_text(),
              HasSubstr("the chat template writes the day on which it is used; here it is 2026-01-02"));
  recipe_.data.date = today.report.date;
  EXPECT_EQ(prepare(recipe_).digest, today.digest);
  recipe_.data.chat_template.reset();
  EXPECT_EQ(prepare(recipe_).digest, without);
}

TEST_F(Prepare, NameFollowsEverythingThatDecidesTheContentAndNothingElse) {
  const std::string name = prepare(recipe_).digest;
  const auto with = [&](const std::function<void(recipe::Recipe&)>& change) {
    recipe::Recipe changed = recipe_;
    change(changed);
    return prepare(changed).digest;
  };
  write("copy.jsonl", read_file(folder_ / "train.jsonl"));
  write("other.jsonl", read_file(folder_ / "train.jsonl") + chat_line("q", "a"));
  write("t.jinja", std::string(fixture::kChatml) + "{# other #}");

  EXPECT_EQ(with([](auto& r) { r.data.shuffle = false; }), name);
  EXPECT_EQ(with([](auto& r) { r.data.packing = false; }), name);
  EXPECT_EQ(with([](auto& r) { r.train.seed = 5; }), name);
  EXPECT_EQ(with([&](auto& r) { r.data.train[0].path = (folder_ / "copy.jsonl").string(); }), name);
  std::set<std::string> names = {name};
  names.insert(with([](auto& r) { r.data.max_length = 99; }));
  names.insert(with([](auto& r) { r.data.too_long = recipe::TooLong::skip; }));
  names.insert(with([](auto& r) { r.data.train_on = recipe::TrainOn::all; }));
  names.insert(with([](auto& r) { r.data.max_examples = 5; }));
  names.insert(with([](auto& r) { r.data.validation_fraction = 0.1; }));
  names.insert(with([](auto& r) {
    r.data.validation_fraction = 0.1;
    r.train.seed = 5;
  }));
  names.insert(with([&](auto& r) { r.data.chat_template = (folder_ / "t.jinja").string(); }));
  names.insert(with([&](auto& r) { r.data.train[0].path = (folder_ / "other.jsonl").string(); }));
  names.insert(with([&](auto& r) { r.data.train.push_back({(folder_ / "copy.jsonl").string()}); }));
  names.insert(with([&](auto& r) { r.data.validation.push_back({(folder_ / "copy.jsonl").string()}); }));
  EXPECT_EQ(names.size(), 11u);
}

TEST_F(Prepare, HoldsOutAShareBySeed) {
  recipe_.data.validation_fraction = 0.15;
  const PreparedStore store = prepare(recipe_);

  const auto train = texts(store, "train"), validation = texts(store, "validation");
  EXPECT_EQ(validation.size(), 3u);
  EXPECT_EQ(train.size(), 17u);
  std::set<std::string> all(train.begin(), train.end());
  all.insert(validation.begin(), validation.end());
  EXPECT_EQ(all.size(), 20u) << "every example is on one side";
  EXPECT_EQ(store.report.validation.documents, 3);

  recipe::Recipe elsewhere = recipe_;
  elsewhere.output_dir = (folder_ / "other").string();
  EXPECT_EQ(texts(prepare(elsewhere), "validation"), validation) << "the same seed holds out the same";
  recipe_.train.seed = 43;
  EXPECT_NE(texts(prepare(recipe_), "validation"), validation);
  EXPECT_THAT(left_in_cache(), ::testing::SizeIs(2));
}

TEST_F(Prepare, AShareLeavesAtLeastOneOnEitherSide) {
  write("train.jsonl", chat_line("a", "b") + chat_line("c", "d"));
  recipe_.data.validation_fraction = 0.01;
  EXPECT_EQ(prepare(recipe_).report.validation.documents, 1);

  recipe_.data.validation_fraction = 0.9;
  EXPECT_THAT(complaint(), HasSubstr("data.validation_fraction 0.9 of 2 usable examples leaves none to train on"));
  write("train.jsonl", chat_line("a", "b"));
  recipe_.data.validation_fraction = 0.1;
  EXPECT_THAT(complaint(), HasSubstr("of 1 usable examples"));
}

TEST_F(Prepare, TellsWhatItCutAndLeftOut) {
  write("train.jsonl", chat_line("a", "b") + chat_line("a", std::string(50, 'x')) +
                           chat_line(std::string(50, 'x'), "b") +
                           "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n");
  recipe_.data.max_length = 40;

  const PrepareReport report = prepare(recipe_).report;

  EXPECT_EQ(report.total.examples, 4);
  EXPECT_EQ(report.total.kept, 2);
  EXPECT_EQ(report.total.truncated, 1);
  EXPECT_EQ(report.total.skipped_no_label, 2);
  EXPECT_THAT(report.to_text(),
              ::testing::AllOf(
                  HasSubstr("train.jsonl: chat (the first record has \"messages\"); 4 examples, 2 kept, 1 of them cut "
                            "to 40 tokens, 2 left out (nothing to learn in them)\n"),
                  HasSubstr("train.jsonl:3: left out: no token of an answer is within max_length (1 example)\n"),
                  HasSubstr("train.jsonl:4: left out: the conversation has no turn of the assistant (1 example)\n"),
                  HasSubstr("\ntrain: 2 examples, ")));
  recipe_.data.too_long = recipe::TooLong::skip;
  EXPECT_EQ(prepare(recipe_).report.total.skipped_too_long, 2);
}

TEST_F(Prepare, TellsHowMuchOfTheValidationIsInTheTrainingData) {
  write("v.jsonl", chat_line("question 3", "answer 3") + chat_line("new", "one"));
  recipe_.data.validation = {{(folder_ / "v.jsonl").string()}};

  const PreparedStore store = prepare(recipe_);

  EXPECT_EQ(store.report.validation.documents, 2);
  EXPECT_EQ(store.report.validation_seen_in_training, 1);
  EXPECT_THAT(store.report.to_text(), HasSubstr("note: 1 validation example is in the training data word for word"));
}

TEST_F(Prepare, NamesMistakesInAllFilesAndLeavesNothing) {
  write("a.jsonl", chat_line("a", "b") + "{\n" + R"({"messages": [{"content": "x"}]})");
  write("b.yml", "conversations:\n- text\n");
  recipe_.data.train = {{(folder_ / "a.jsonl").string()}, {(folder_ / "b.yml").string()}};
  for (const double fraction : {0.0, 0.1}) {
    recipe_.data.validation_fraction = fraction;

    const std::string all = complaint();

    EXPECT_THAT(all, HasSubstr("a.jsonl:2: not JSON at column"));
    EXPECT_THAT(all, HasSubstr("a.jsonl:3: message 1 has no \"role\""));
    EXPECT_THAT(all, HasSubstr("b.yml:2: a conversation is a list of turns"));
    EXPECT_THAT(all, HasSubstr("(3 problems, nothing started)"));
    EXPECT_THAT(left_in_cache(), IsEmpty());
  }
}

TEST_F(Prepare, NothingLeftToLearnIsAnError) {
  write("train.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n");

  EXPECT_THAT(complaint(), HasSubstr("no example is left to train on"));
  EXPECT_THAT(left_in_cache(), IsEmpty());
}

TEST_F(Prepare, ATemplateThatRefusesIsToldWithTheExamplesPlace) {
  write("t.jinja", "{{ raise_exception('roles must alternate') }}");
  recipe_.data.chat_template = (folder_ / "t.jinja").string();
  recipe_.data.max_examples = 1;

  EXPECT_THAT(complaint(), HasSubstr("train.jsonl:1: "));
  EXPECT_THAT(complaint(), HasSubstr("roles must alternate"));
}

TEST_F(Prepare, ADamagedStoreIsBuiltAgain) {
  const PreparedStore first = prepare(recipe_);
  const std::string good = read_file(first.store / "train.ids");
  for (const char* file : {"train.ids", "train.index", "validation.labels", "meta.json"}) {
    SCOPED_TRACE(file);
    write_durably(first.store / file, "damaged");

    const PreparedStore second = prepare(recipe_);

    EXPECT_FALSE(second.reused);
    EXPECT_EQ(read_file(second.store / "train.ids"), good);
    EXPECT_THAT(left_in_cache(), ElementsAre(first.digest));
  }
}

TEST_F(Prepare, TwoAtOnceEndWithOneWholeStore) {
  std::vector<PreparedStore> stores(4);
  std::vector<std::thread> threads;
  for (auto& store : stores) threads.emplace_back([&] { store = prepare(recipe_); });
  for (auto& thread : threads) thread.join();

  for (const auto& store : stores) EXPECT_EQ(PreparedSet::open(store.store, "train").size(), 20u);
  EXPECT_THAT(left_in_cache(), ElementsAre(stores[0].digest));
}

TEST_F(Prepare, AnUnwritableOutputIsAnIoErrorWithARemedy) {
  write("file", "");
  recipe_.output_dir = (folder_ / "file").string();
  try {
    prepare(recipe_);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::io) << error.what();
  }
}

TEST_F(Prepare, ExamineTellsTheSameAndWritesNothing) {
  recipe_.data.validation_fraction = 0.15;

  const PrepareReport report = examine(recipe_);

  EXPECT_THAT(left_in_cache(), IsEmpty());
  EXPECT_EQ(report.to_text(), prepare(recipe_).report.to_text());
}

TEST_F(Prepare, MissingModelAndDataAreNamed) {
  recipe_.model.path = "/no/such/model";
  EXPECT_THAT(complaint(), HasSubstr("/no/such/model"));
  recipe_.data.train[0].path = "/no/such/data.jsonl";
  EXPECT_THAT(complaint(), HasSubstr("/no/such/data.jsonl does not exist"));
}

TEST_F(Prepare, AStoreThatAnotherUserMadeIsNeitherBelievedNorTouched) {
  SKIP_UNLESS_ROOT();
  const fs::path common = prepare(recipe_).store;
  pst::fixture::give_all(common, pst::fixture::kStranger);
  EXPECT_THAT(pst::fixture::error_of(Fault::data, [&] { PreparedSet::open(common, "train"); }),
              HasSubstr("is not believed: it belongs to '4242'"));

  const PreparedStore own = prepare(recipe_);

  EXPECT_EQ(own.store.string(), common.string() + "-0");
  EXPECT_FALSE(own.reused);
  EXPECT_EQ(own.digest, common.filename());
  EXPECT_FALSE(texts(own, "train").empty());
  EXPECT_TRUE(fs::exists(common / "meta.json"));
  EXPECT_TRUE(prepare(recipe_).reused);

  pst::fixture::give(own.store, pst::fixture::kStranger);
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [&] { prepare(recipe_); }), HasSubstr("set output_dir"));
}

TEST_F(Prepare, AStoreThatOthersMayWriteIsNotBelieved) {
  SKIP_UNLESS_ROOT();
  const fs::path store = prepare(recipe_).store;
  pst::fixture::give(store / "train.ids", 0);
  pst::fixture::set_mode(store / "train.ids", 0664);
  EXPECT_THAT(pst::fixture::error_of(Fault::data, [&] { PreparedSet::open(store, "train"); }),
              HasSubstr("its group '5000' may write it"));

  EXPECT_FALSE(prepare(recipe_).reused) << "made anew";
}

}  // namespace
}  // namespace pst::data
