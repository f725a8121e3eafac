// SPDX-License-Identifier: Apache-2.0
// `adapter`: what its commands print and write.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "cli/verb.hpp"
#include "methods/method.hpp"
#include "source_tree.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cli {

Runner add_adapter_combine(CLI::App& app);
Runner add_adapter_export(CLI::App& app);
Runner add_adapter_list(CLI::App& app);
Runner add_adapter_resize(CLI::App& app);
Runner add_adapter_show(CLI::App& app);

namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kLlama = PST_SOURCE_DIR "/tests/fixtures/models/llama";

std::string printed(Runner (*add)(CLI::App&), std::vector<std::string> words) {
  CLI::App app;
  const Runner run = add(app);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  app.parse(words);
  testing::internal::CaptureStdout();
  EXPECT_EQ(run(), 0);
  return testing::internal::GetCapturedStdout();
}

TEST(AdapterList, HasARowForEachMethod) {
  const std::string text = printed(add_adapter_list, {});
  for (const auto* const method : methods::table())
    EXPECT_THAT(text, AllOf(HasSubstr(std::string(method->name)), HasSubstr(std::string(method->help))));
  EXPECT_THAT(text, HasSubstr("PEFT, vLLM, llama.cpp"));
}

TEST(AdapterList, CountsWhatTheDefaultsTrainOfAModel) {
  const std::string text = printed(add_adapter_list, {"--model", kLlama});
  EXPECT_THAT(text, AllOf(HasSubstr("TRAINED"), HasSubstr("trainable_tokens: adapter.token_indices is empty")));
}

TEST(AdapterShow, DescribesAFolder) {
  EXPECT_THAT(printed(add_adapter_show, {kLlama + "/lora", "--model", kLlama}),
              AllOf(HasSubstr("LORA"), HasSubstr("RANK OF 90 %"), testing::Not(HasSubstr("odd:"))));
  EXPECT_THAT(printed(add_adapter_show, {kLlama + "/ia3", "--json"}), HasSubstr("\"type\": \"IA3\""));
}

TEST(AdapterFiles, AreWrittenWhereTheyAreWanted) {
  const fixture::TemporaryDirectory dir;
  const auto to = [&](const char* name) { return (dir / name).string(); };
  printed(add_adapter_export, {kLlama + "/lora", to("lora.gguf"), "--format", "gguf", "--model", kLlama});
  EXPECT_TRUE(std::filesystem::exists(to("lora.gguf")));
  printed(add_adapter_combine, {kLlama + "/lora=0.5", kLlama + "/lora_rslora=-1", "--to", to("both")});
  EXPECT_THAT(printed(add_adapter_show, {to("both"), "--model", kLlama}), testing::Not(HasSubstr("odd:")));
  EXPECT_THAT(printed(add_adapter_resize, {to("both"), to("small"), "--rank", "2"}), HasSubstr("% of the updates'"));
  EXPECT_THAT(printed(add_adapter_show, {to("small"), "--model", kLlama}), testing::Not(HasSubstr("odd:")));
}

TEST(AdapterCombine, RefusesAWeightThatIsNoNumber) {
  EXPECT_THAT(fixture::error_of(Fault::usage,
                                [&] {
                                  CLI::App app;
                                  const Runner run = add_adapter_combine(app);
                                  std::vector<std::string> words = {"x", "--to", "b=", kLlama + "/lora=half"};
                                  app.parse(words);
                                  run();
                                }),
              HasSubstr("is no adapter with a weight"));
}

}  // namespace
}  // namespace pst::cli
