// SPDX-License-Identifier: Apache-2.0
// `model tokenize` and `model detokenize`: what they print.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cli {

Runner add_model_tokenize(CLI::App& app);
Runner add_model_detokenize(CLI::App& app);

namespace {

class Tokenize : public testing::Test {
 protected:
  Tokenize() {
    put("tokenizer.json", R"({"version": "1.0", "model": {"type": "WordPiece", "unk_token": "?",
      "vocab": {"?": 0, "ab": 1, "##c": 2, "[CLS]": 3}}, "pre_tokenizer": {"type": "WhitespaceSplit"},
      "decoder": {"type": "WordPiece"}, "added_tokens": [{"id": 3, "content": "[CLS]", "special": true}],
      "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 3], "sep": ["[CLS]", 3]}})");
    put("text", "abc ab\tx");
  }
  void put(const char* name, const std::string& content) { std::ofstream(dir_ / name, std::ios::binary) << content; }
  std::string printed(Runner (*add)(CLI::App&), const std::string& file, std::vector<std::string> options = {}) const {
    CLI::App app;
    const Runner run = add(app);
    options.insert(options.begin(), {(dir_ / file).string(), dir_.path().string()});
    std::swap(options[0], options[1]);
    std::reverse(options.begin(), options.end());  // CLI11 takes them from the back
    app.parse(options);
    testing::internal::CaptureStdout();
    const int status = run();
    EXPECT_EQ(status, 0);
    return testing::internal::GetCapturedStdout();
  }
  pst::fixture::TemporaryDirectory dir_;
};

TEST_F(Tokenize, PrintsIds) {
  EXPECT_EQ(printed(add_model_tokenize, "text"), "1 2 1 0\n");
  EXPECT_EQ(printed(add_model_tokenize, "text", {"--special"}), "3 1 2 1 0 3\n");
}

TEST_F(Tokenize, PrintsTokensAndOffsets) {
  EXPECT_EQ(printed(add_model_tokenize, "text", {"--tokens"}), "1\t\"ab\"\n2\t\"##c\"\n1\t\"ab\"\n0\t\"?\"\n");
  EXPECT_EQ(printed(add_model_tokenize, "text", {"--offsets"}), "1\t0\t2\n2\t2\t3\n1\t4\t6\n0\t7\t8\n");
}

TEST_F(Tokenize, GoesBack) {
  put("ids", "[3, 1, 2]\n1");
  EXPECT_EQ(printed(add_model_detokenize, "ids"), "[CLS] abc ab");
  EXPECT_EQ(printed(add_model_detokenize, "ids", {"--skip-special"}), "abc ab");
}

TEST_F(Tokenize, RefusesWhatIsNoId) {
  put("ids", "1 two");
  try {
    printed(add_model_detokenize, "ids");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    testing::internal::GetCapturedStdout();
    EXPECT_EQ(error.message(), "\"two\" is no token id");
  }
}

}  // namespace
}  // namespace pst::cli
