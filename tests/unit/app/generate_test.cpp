// SPDX-License-Identifier: Apache-2.0
#include "app/generate.hpp"

#include <gmock/gmock.h>

#include "app/loaded_model.hpp"
#include "comm/local_communicator.hpp"
#include "core/digest.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class Generate : public testing::Test {
 protected:
  std::string answer(const requests::GenerateRequest& request) const {
    testing::internal::CaptureStdout();
    generate(request);
    return testing::internal::GetCapturedStdout();
  }
  requests::GenerateRequest to_the_model(const std::string& prompt) const {
    requests::GenerateRequest request{.model = run_.model().string(), .prompt = prompt, .raw = true};
    request.max_new_tokens = 12;
    return request;
  }
  /// An adapter that changes the model a lot.
  std::string adapter() const {
    const auto solo = comm::solo();
    const app::Run run = read_run(run_.folder(), 1, *solo);
    LoadedModel loaded(run, Hardware{}, {*solo});
    loaded.parameters().flat().fill_(0.5);
    loaded.adapter().save(run_.dir().adapter(), run_.model().string());
    return run_.dir().adapter().string();
  }
  fixture::TinyRun run_;
};

TEST_F(Generate, AnswersWithTheModelAlone) {
  const std::string text = answer(to_the_model("the"));

  EXPECT_GT(text.size(), 1u);
  EXPECT_THAT(text, EndsWith("\n"));
  EXPECT_EQ(answer(to_the_model("the")), text) << "the most likely tokens are always the same";
}

TEST_F(Generate, AnAdapterChangesTheAnswer) {
  requests::GenerateRequest adapted = to_the_model("the");
  adapted.adapter = adapter();

  EXPECT_NE(answer(adapted), answer(to_the_model("the")));
}

TEST_F(Generate, TheChatTemplateIsLeftOutOnRequest) {
  requests::GenerateRequest chat = to_the_model("the");
  chat.raw = false;

  EXPECT_NE(answer(chat), answer(to_the_model("the")));
}

TEST_F(Generate, TheSeedDecidesWhatIsSampled) {
  requests::GenerateRequest sampled = to_the_model("the");
  sampled.temperature = 2;
  const std::string first = answer(sampled);
  EXPECT_EQ(answer(sampled), first);

  sampled.seed = 43;
  EXPECT_NE(answer(sampled), first);
}

TEST_F(Generate, ARunHasToBeCompleted) {
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { generate({.run = run_.folder().string(), .prompt = "x"}); }),
              HasSubstr("has no finished adapter"));
}

TEST_F(Generate, ACompletedRunAnswersWithItsAdapter) {
  requests::GenerateRequest adapted = to_the_model("the");
  adapted.adapter = adapter();
  run_.dir().write_completed({.adapter_digest = digest_of_file(run_.dir().adapter() / "adapter_model.safetensors")});
  requests::GenerateRequest of_run = to_the_model("the");
  of_run.model.reset();
  of_run.run = run_.folder().string();

  EXPECT_EQ(answer(of_run), answer(adapted));
}

TEST_F(Generate, ARunIsSpokenToWithItsOwnTemplateAndDay) {
  adapter();
  run_.dir().write_completed({.adapter_digest = digest_of_file(run_.dir().adapter() / "adapter_model.safetensors")});
  recipe::Recipe recipe = recipe::load(run_.dir().recipe());
  recipe.data.chat_template = (run_.folder() / "mine.jinja").string();
  recipe.data.date = "2020-02-03";
  write_durably(*recipe.data.chat_template, "{{ messages[0]['content'] }}|{{ strftime_now('%Y') }}");
  write_durably(run_.dir().recipe(), recipe::to_yaml(recipe));
  requests::GenerateRequest raw = to_the_model("the|2020");
  raw.model.reset();
  raw.run = run_.folder().string();
  requests::GenerateRequest chat = raw;
  chat.prompt = "the";
  chat.raw = false;

  EXPECT_EQ(answer(chat), answer(raw));
}

TEST_F(Generate, AGpuThatIsAskedForHasToBeThere) {
  const fixture::Variable module("PST_CUDA_MODULE", "/none.so");
  requests::GenerateRequest request = to_the_model("the");
  const std::string on_cpu = answer(request);
  request.device = "cpu";
  EXPECT_EQ(answer(request), on_cpu) << "auto takes what is there";

  request.device = "cuda";
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { generate(request); }), HasSubstr("no code for GPUs"));
}

TEST_F(Generate, AnEmptyPromptIsRefused) {
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { generate(to_the_model("")); }), HasSubstr("the prompt is empty"));
}

}  // namespace
}  // namespace pst::app
