// SPDX-License-Identifier: Apache-2.0
#include "data/prepared.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "core/digest.hpp"
#include "core/strings.hpp"
#include "written_store.hpp"

namespace pst::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Prepared, ReadsBackWhatWasWritten) {
  const pst::fixture::TemporaryDirectory folder;
  fixture::write_store(folder.path(), {3, 1, 4});

  const PreparedSet set = PreparedSet::open(folder.path(), "train");

  ASSERT_EQ(set.size(), 3u);
  EXPECT_EQ(set.tokens(), 8);
  EXPECT_EQ(set.largest_id(), 7);
  EXPECT_THAT(set.document(0).ids, ElementsAre(0, 1, 2));
  EXPECT_THAT(set.document(0).labelled, ElementsAre(0, 1, 0));
  EXPECT_THAT(set.document(1).ids, ElementsAre(3));
  EXPECT_THAT(set.document(2).ids, ElementsAre(4, 5, 6, 7));
  EXPECT_EQ(set.labelled_tokens(2), 2);
  EXPECT_ANY_THROW(set.document(3));
}

TEST(Prepared, AnEmptySplitIsFine) {
  const pst::fixture::TemporaryDirectory folder;
  fixture::write_store(folder.path(), {});

  EXPECT_EQ(PreparedSet::open(folder.path(), "train").size(), 0u);
  EXPECT_EQ(PreparedSet::open(folder.path(), "train").largest_id(), -1);
}

std::string refusal(const fs::path& folder) {
  try {
    PreparedSet::open(folder, "train");
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data) << error.what();
    return error.message();
  }
}

TEST(Prepared, RefusesTornAndForeignFiles) {
  struct Case {
    const char* name;
    std::function<void(const fs::path&)> damage;
    const char* message;
  };
  const auto cut = [](const char* file) {
    return [file](const fs::path& folder) { fs::resize_file(folder / file, fs::file_size(folder / file) - 1); };
  };
  const auto flip = [](const char* file) {
    return [file](const fs::path& folder) {
      auto bytes = read_file(folder / file);
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
      write_durably(folder / file, bytes);
    };
  };
  const auto remove = [](const char* file) { return [file](const fs::path& folder) { fs::remove(folder / file); }; };
  // A file whose digest is right, as a hostile hand or another program would make it.
  const auto forge = [](const char* file, const std::string& content) {
    return [file, content](const fs::path& folder) {
      auto meta = nlohmann::json::parse(read_file(folder / "meta.json"));
      meta["files"][file] = {{"bytes", content.size()}, {"digest", digest(content)}};
      write_durably(folder / "meta.json", meta.dump());
      write_durably(folder / file, content);
    };
  };
  const auto index_with = [](std::uint64_t documents, std::uint64_t tokens, std::vector<IndexEntry> entries) {
    IndexHeader header;
    header.documents = documents;
    header.tokens = tokens;
    std::string content(reinterpret_cast<const char*>(&header), sizeof header);
    content.append(reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(IndexEntry));
    return content;
  };
  const auto meta = [](const std::string& content) {
    return [content](const fs::path& folder) { write_durably(folder / "meta.json", content); };
  };
  const Case cases[] = {
      {"no meta", remove("meta.json"), "meta.json does not exist"},
      {"no ids", remove("train.ids"), "train.ids does not exist"},
      {"short ids", cut("train.ids"), "train.ids has 31 bytes, but 32 were written"},
      {"short labels", cut("train.labels"), "train.labels has 7 bytes, but 8 were written"},
      {"short index", cut("train.index"), "bytes, but"},
      {"changed ids", flip("train.ids"), "train.ids has another content than was written"},
      {"changed labels", flip("train.labels"), "another content"},
      {"changed index", flip("train.index"), "another content"},
      {"meta is no JSON", meta("{"), "meta.json:1:2: not valid JSON"},
      {"meta is a list", meta("[]"), "is not a prepared store's"},
      {"meta of another version", meta(R"({"version": 99, "files": {}})"), "is of another version"},
      {"meta without file", meta(cat(R"({"version": )", kStoreVersion, R"(, "files": {}})")),
       "is not listed in meta.json"},
      {"meta with wrong types", meta(cat(R"({"version": )", kStoreVersion, R"(, "files": {"train.index": 3}})")),
       "not listed"},
      {"tiny index", forge("train.index", "x"), "is shorter than its header"},
      {"foreign index", forge("train.index", std::string(80, 'x')), "is no index of prepared data"},
      {"too many documents", forge("train.index", index_with(1ull << 60, 8, {{8, 0, 0}})), "does not fit"},
      {"too many tokens", forge("train.index", index_with(1, 1ull << 62, {{8, 0, 0}})), "does not fit"},
      {"end behind the tokens", forge("train.index", index_with(2, 8, {{9, 0, 0}, {8, 0, 0}})), "overlap or are empty"},
      {"falling ends", forge("train.index", index_with(2, 8, {{8, 0, 0}, {3, 0, 0}})), "overlap or are empty"},
      {"empty document", forge("train.index", index_with(2, 8, {{8, 0, 0}, {8, 0, 0}})), "overlap or are empty"},
      {"uncovered tokens", forge("train.index", index_with(1, 8, {{5, 0, 0}})), "does not cover"},
  };
  for (const auto& [name, damage, message] : cases) {
    SCOPED_TRACE(name);
    const pst::fixture::TemporaryDirectory folder;
    fixture::write_store(folder.path(), {3, 1, 4});
    ASSERT_NO_THROW(PreparedSet::open(folder.path(), "train"));

    damage(folder.path());

    EXPECT_THAT(refusal(folder.path()), HasSubstr(message));
  }
}

TEST(Prepared, AMissingStoreIsNamed) { EXPECT_THAT(refusal("/no/such/store"), HasSubstr("/no/such/store/meta.json")); }

}  // namespace
}  // namespace pst::data
