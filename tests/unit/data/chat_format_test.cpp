// SPDX-License-Identifier: Apache-2.0
#include "data/chat_format.hpp"

#include <gmock/gmock.h>

#include "model_folder.hpp"

namespace pst::data {
namespace {

using fixture::turn;
using ::testing::HasSubstr;

std::string rendered(const fs::path& folder, const std::optional<std::string>& override_file = std::nullopt) {
  return ChatFormat::load(folder, override_file).render(Json::array({turn("user", "x")}), nullptr, false);
}

TEST(ChatFormat, TheTemplatesFileComesBeforeTheConfiguration) {
  const pst::fixture::TemporaryDirectory folder;
  EXPECT_FALSE(ChatFormat::load(folder.path(), std::nullopt).has_template());

  write_durably(folder / "chat_template.json", R"({"chat_template": "from processor"})");
  EXPECT_EQ(rendered(folder.path()), "from processor");
  write_durably(
      folder / "tokenizer_config.json",
      R"({"chat_template": [{"name": "rag", "template": "no"}, {"name": "default", "template": "from list"}]})");
  EXPECT_EQ(rendered(folder.path()), "from list");
  write_durably(folder / "tokenizer_config.json", R"({"chat_template": "from config {{ messages[0].content }}"})");
  EXPECT_EQ(rendered(folder.path()), "from config x");
  write_durably(folder / "chat_template.jinja", "from file");
  EXPECT_EQ(rendered(folder.path()), "from file");
  write_durably(folder / "mine.jinja", "mine");
  EXPECT_EQ(rendered(folder.path(), (folder / "mine.jinja").string()), "mine");
}

std::string with_tools(const fs::path& folder) {
  return ChatFormat::load(folder, std::nullopt)
      .render(Json::array({turn("user", "x")}), Json::array({{{"name", "f"}}}), false);
}

TEST(ChatFormat, ConversationsWithToolsTakeTheTemplateOfThatName) {
  const pst::fixture::TemporaryDirectory folder;
  write_durably(folder / "tokenizer_config.json",
                R"({"chat_template": [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": )"
                R"("{{ tools[0].name }}"}]})");
  EXPECT_EQ(rendered(folder.path()), "plain");
  EXPECT_EQ(with_tools(folder.path()), "f");
  const std::string digest = ChatFormat::load(folder.path(), std::nullopt).digest();

  write_durably(folder / "chat_template.jinja", "plain");
  EXPECT_EQ(with_tools(folder.path()), "plain");
  EXPECT_NE(ChatFormat::load(folder.path(), std::nullopt).digest(), digest) << "rows with tools differ";
  make_directories(folder / "additional_chat_templates");
  write_durably(folder / "additional_chat_templates" / "tool_use.jinja", "{{ tools[0].name }}");
  EXPECT_EQ(with_tools(folder.path()), "f");
  EXPECT_EQ(ChatFormat::load(folder.path(), std::nullopt).digest(), digest);
  write_durably(folder / "mine.jinja", "mine");
  EXPECT_EQ(ChatFormat::load(folder.path(), (folder / "mine.jinja").string())
                .render(Json::array({turn("user", "x")}), Json::array({1}), false),
            "mine");
}

TEST(ChatFormat, TheDayCanBeFixed) {
  const fixture::ModelFolder model("{{ strftime_now('%d %b %Y %H:%M') }}"), other;
  ChatFormat format = ChatFormat::load(model.path(), std::nullopt);

  EXPECT_TRUE(format.reads_clock());
  format.set_day("2024-02-29");
  EXPECT_EQ(format.render(Json::array(), nullptr, false), "29 Feb 2024 00:00");
  EXPECT_FALSE(ChatFormat::load(other.path(), std::nullopt).reads_clock());
}

TEST(ChatFormat, SpecialTokensAreVariables) {
  const fixture::ModelFolder model("{{ bos_token }}|{{ eos_token }}|{{ tools is none }}");

  EXPECT_EQ(rendered(model.path()), "<|im_start|>|<|im_end|>|True");
  EXPECT_EQ(ChatFormat::load(model.path(), std::nullopt).eos_token(), "<|im_end|>");
}

TEST(ChatFormat, NamesTheFileThatIsWrong) {
  const pst::fixture::TemporaryDirectory folder;
  const auto message = [&] {
    try {
      ChatFormat::load(folder.path(), std::nullopt);
      return std::string("accepted");
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      return error.message();
    }
  };

  write_durably(folder / "tokenizer_config.json", "[]");
  EXPECT_THAT(message(), HasSubstr("tokenizer_config.json is not a JSON object"));
  write_durably(folder / "tokenizer_config.json", R"({"chat_template": 3})");
  EXPECT_THAT(message(), HasSubstr("tokenizer_config.json: chat_template is neither"));
  write_durably(folder / "tokenizer_config.json", "{}");
  write_durably(folder / "chat_template.jinja", "{% for %}");
  EXPECT_THAT(message(), HasSubstr("chat_template.jinja:1"));
  EXPECT_THROW(ChatFormat::load(folder.path(), "/no/such/template"), Error);
}

TEST(ChatFormat, DigestFollowsTemplateAndTokens) {
  const fixture::ModelFolder one, same, other("another");

  EXPECT_EQ(ChatFormat::load(one.path(), std::nullopt).digest(), ChatFormat::load(same.path(), std::nullopt).digest());
  EXPECT_NE(ChatFormat::load(one.path(), std::nullopt).digest(), ChatFormat::load(other.path(), std::nullopt).digest());
}

}  // namespace
}  // namespace pst::data
