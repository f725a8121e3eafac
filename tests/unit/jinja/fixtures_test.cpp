// SPDX-License-Identifier: Apache-2.0
// What Jinja2 3.1 gave, set up as transformers does; recorded by tools/parity/template_check.py --record.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "jinja/template.hpp"
#include "source_tree.hpp"

namespace pst::jinja {
namespace {

using Json = nlohmann::ordered_json;

/// What rendering gives, or nothing when it is refused.
std::optional<std::string> rendered(const std::string& source, const Json& variables) {
  try {
    return Template::parse(source, "template").render(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data) << error.what();
    return std::nullopt;
  }
}

class Recorded : public testing::TestWithParam<fs::path> {};

TEST_P(Recorded, RendersAsJinja2) {
  const Json file = Json::parse(read_file(GetParam()));

  for (const Json& one : file.at("cases")) {
    const std::string source = (one.contains("template") ? one : file).at("template");
    const auto text = rendered(source, (one.contains("variables") ? one : file).at("variables"));
    SCOPED_TRACE(source);
    if (one.contains("text"))
      EXPECT_EQ(text, std::optional<std::string>(one.at("text")));
    else
      EXPECT_EQ(text, std::nullopt);
  }
}

std::vector<fs::path> files() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(fs::path(PST_SOURCE_DIR) / "tests/fixtures/jinja"))
    if (entry.path().extension() == ".json") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

INSTANTIATE_TEST_SUITE_P(Files, Recorded, testing::ValuesIn(files()),
                         [](const auto& given) { return given.param.stem().string(); });

TEST(Recorded, AllFilesAreThere) { EXPECT_GE(files().size(), 20u); }

}  // namespace
}  // namespace pst::jinja
