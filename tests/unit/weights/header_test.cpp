// SPDX-License-Identifier: Apache-2.0
// Hostile safetensors files: whatever the header says, the answer is a clear Error(data) or a store that is safe to
// read.
#include "weights/header.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "core/file.hpp"
#include "core/rng.hpp"
#include "core/strings.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "weights/safetensors.hpp"

namespace pst::weights {
namespace {

using testing::HasSubstr;

std::string length_prefix(std::uint64_t length) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i) & 0xff);
  return bytes;
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return length_prefix(header.size()) + header + std::string(data_bytes, 'd');
}

struct Case {
  std::string what, header;
  std::int64_t data_bytes;
  std::string message;  // a part of it
};

const std::vector<Case>& hostile_headers() {
  static const std::string t = R"("t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  static const std::vector<Case> cases = {
      {"nothing", "", 0, "does not begin with '{'"},
      {"blank before the brace", " {}", 0, "does not begin with '{'"},
      {"a list", "[]", 0, "does not begin with '{'"},
      {"not closed", "{", 0, "not valid JSON"},
      {"text behind the object", "{" + t + "} x", 8, "not valid JSON"},
      {"NUL padding", std::string("{}\0\0", 4), 0, "not valid JSON"},
      {"invalid UTF-8", "{\"\xff\":{}}", 0, "not valid JSON"},
      {"entry is a number", R"({"t":1})", 0, "holds a number"},
      {"entry is null", R"({"t":null})", 0, "holds null"},
      {"entry is a list", R"({"t":[1]})", 0, "holds a list"},
      {"deep nesting", "{\"t\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", 0, "holds a list"},
      {"objects inside objects", R"({"t":{"shape":{"a":1}}})", 0, "holds an object"},
      {"list in a shape", R"({"t":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "holds a list"},
      {"the same name twice", "{" + t + "," + t + "}", 8, "occurs twice"},
      {"the same field twice", R"({"t":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
       "\"dtype\" twice"},
      {"metadata key twice", R"({"__metadata__":{"a":"1","a":"2"}})", 0, "twice"},
      {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0, "occurs twice"},
      {"metadata is no string", R"({"__metadata__":{"a":1}})", 0, "holds a number"},
      {"unknown field", R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8, "has a field \"x\""},
      {"no dtype", R"({"t":{"shape":[2],"data_offsets":[0,8]}})", 8, "has no dtype"},
      {"no shape", R"({"t":{"dtype":"F32","data_offsets":[0,8]}})", 8, "has no shape"},
      {"no offsets", R"({"t":{"dtype":"F32","shape":[2]}})", 8, "has no data_offsets"},
      {"unknown dtype", R"({"t":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8, "unknown dtype \"F33\""},
      {"dtype in lower case", R"({"t":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}})", 8, "unknown dtype"},
      {"negative size", R"({"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "negative number -2"},
      {"size with a fraction", R"({"t":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "no whole number"},
      {"size above 2^63", R"({"t":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}})", 8,
       "no whole number"},
      {"size above 2^64", R"({"t":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}})", 8,
       "no whole number"},
      {"number too large for a double", R"({"t":{"dtype":"F32","shape":[1e999],"data_offsets":[0,8]}})", 8,
       "not valid JSON"},
      {"product wraps to the right size",
       R"({"t":{"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]}})", 8, "larger than 2^63"},
      {"bytes wrap to zero", R"({"t":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})", 0,
       "larger than 2^63"},
      {"65 dimensions",
       [] {
         std::string shape = "1";
         for (int i = 0; i < 64; ++i) shape += ",1";
         return "{\"t\":{\"dtype\":\"U8\",\"shape\":[" + shape + "],\"data_offsets\":[0,1]}}";
       }(),
       1, "more than 64 dimensions"},
      {"one offset", R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "needs two numbers"},
      {"three offsets", R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8, "a third number"},
      {"ends before it begins", R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "before it begins"},
      {"offsets and shape disagree", R"({"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "needs 12 bytes"},
      {"beyond the end of the file", R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4,
       "cut off or damaged"},
      {"overlap",
       R"({"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
       8, "inside the one"},
      {"the same bytes twice",
       R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
       8, "inside the one"},
      {"empty tensor inside another",
       R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
       8, "inside the one"},
      {"hole at the start", R"({"t":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", 8,
       "no tensor owns bytes 0 to 4"},
      {"hole in the middle",
       R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}})",
       8, "no tensor owns bytes 2 to 6"},
      {"bytes left over", "{" + t + "}", 9, "no tensor owns bytes 8 to 9"},
      {"data without tensors", "{}", 1, "no tensor owns"},
  };
  return cases;
}

TEST(Header, RefusesEveryHostileOneWithItsReason) {
  for (const auto& c : hostile_headers()) {
    SCOPED_TRACE(c.what);
    const std::string report =
        fixture::error_of(Fault::data, [&] { parse_header(c.header, c.data_bytes, "x.safetensors"); });
    EXPECT_THAT(report, HasSubstr(c.message));
    EXPECT_THAT(report, HasSubstr("x.safetensors"));
  }
}

TEST(Header, AcceptsWhatTheFormatAllows) {
  // Empty tensors at either end, a scalar, padding blanks, metadata in the middle, any order of entries and fields.
  const std::string text = R"({"b":{"shape":[],"data_offsets":[4,12],"dtype":"I64"},"__metadata__":{"k":"v"},)"
                           R"("z":{"dtype":"F32","shape":[0,7],"data_offsets":[12,12]},)"
                           R"("a":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]},)"
                           R"("e":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}   )";

  const Header header = parse_header(text, 12, "x");

  ASSERT_EQ(header.entries.size(), 4u);
  EXPECT_EQ(header.entries[0].name, "e");
  EXPECT_EQ(header.entries[1].name, "a");
  EXPECT_EQ(header.entries[1].shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(header.entries[2].name, "b");
  EXPECT_EQ(header.entries[3].name, "z");
  EXPECT_EQ(header.metadata.at("k"), "v");
}

TEST(TensorFile, RefusesABadLength) {
  const fixture::TemporaryDirectory dir;
  const auto path = dir / "m.safetensors";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "has only 0 bytes"},
      {std::string(7, '\0'), "has only 7 bytes"},
      {length_prefix(0), "does not begin with '{'"},
      {length_prefix(3) + "{}", "cut off"},
      {length_prefix(kMaxHeaderBytes + 1) + "{}", "at most 100000000"},
      {length_prefix(~std::uint64_t{0}) + "{}", "at most 100000000"},
      {length_prefix(~std::uint64_t{7}) + "{}", "at most 100000000"},
  };
  for (const auto& [content, message] : cases) {
    SCOPED_TRACE(message);
    write_durably(path, content);
    EXPECT_THAT(fixture::error_of(Fault::data, [&] { TensorStore::open(path); }), HasSubstr(message));
  }
}

TEST(TensorFile, RefusesOtherFormatsWithAWayOut) {
  const fixture::TemporaryDirectory dir;
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"a.safetensors", "PK\x03\x04 zip", "save_pretrained"},
      {"b.safetensors", "\x80\x02}q\x01 pickle", "save_pretrained"},
      {"c.bin", "anything", "save_pretrained"},
      {"d.pth", "anything", "save_pretrained"},
      {"e.gguf", "GGUF\x03", "peft-studio model import"},
      {"f.safetensors", "version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
  };
  for (const auto& [name, content, remedy] : cases) {
    SCOPED_TRACE(name);
    write_durably(dir / name, content);
    EXPECT_THAT(fixture::error_of(Fault::data, [&, path = dir / name] { TensorStore::open(path); }), HasSubstr(remedy));
  }
}

TEST(TensorFile, ALengthMayLookLikeAnotherFormat) {
  const fixture::TemporaryDirectory dir;
  for (const std::size_t length : {640u, 896u, 1152u, 1408u}) {  // 80 02 to 80 05, as pickles begin
    SCOPED_TRACE(length);
    std::string header = R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
    header.resize(length, ' ');
    write_durably(dir / "m.safetensors", length_prefix(length) + header + "x");
    EXPECT_EQ(TensorStore::open(dir / "m.safetensors").get("t").bytes.size(), 1u);
  }
}

TEST(TensorFile, ManyTensorsTakeTimeInProportion) {
  // 200,000 entries: quadratic work anywhere would take minutes.
  std::string header = "{";
  for (int i = 0; i < 200'000; ++i)
    header += cat(i == 0 ? "" : ",", "\"t", i, R"(":{"dtype":"U8","shape":[1],"data_offsets":[)", i, ",", i + 1, "]}");
  header += "}";

  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_header(header, 200'000, "x").entries.size(), 200'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

/// Reads every byte a store promises, so that a wrong span would be seen by a sanitizer or the kernel.
std::uint64_t touch(const TensorStore& store) {
  std::uint64_t sum = 0;
  for (const auto& tensor : store.tensors())
    for (const auto byte : tensor.bytes) sum += std::to_integer<std::uint64_t>(byte);
  return sum;
}

TEST(TensorFile, AnyMutationIsRefusedOrSafe) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"model.a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("model.b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"model.c":{"dtype":"U8","shape":[0],"data_offsets":[32,32]}})";
  const std::string original = file_of(header, 32);
  const std::string letters = "{}[]\",:-.0123456789eE \\u_\xff";
  const Rng rng(2024);
  const fixture::TemporaryDirectory dir;
  std::int64_t refused = 0, accepted = 0;
  for (std::uint64_t round = 0; round < 20'000; ++round) {
    const Rng dice = rng.child(round);
    std::string bytes = original;
    const auto edits = 1 + dice.below(4, 0);
    for (std::uint64_t edit = 0; edit < edits; ++edit) {
      const auto at = static_cast<std::size_t>(dice.below(bytes.size(), 10 * edit + 1));
      const char letter = letters[static_cast<std::size_t>(dice.below(letters.size(), 10 * edit + 2))];
      switch (dice.below(5, 10 * edit + 3)) {
        case 0: bytes[at] = letter; break;
        case 1: bytes.insert(at, 1, letter); break;
        case 2: bytes.erase(at, 1 + dice.below(3, 10 * edit + 4)); break;
        case 3: bytes[at] = static_cast<char>(bytes[at] ^ (1 << dice.below(8, 10 * edit + 5))); break;
        default: bytes.resize(at + 1); break;
      }
      if (bytes.empty()) bytes = "x";
    }
    // Half of them with a length that fits, so that the mutation reaches the JSON and the offsets.
    if (round % 2 == 0 && bytes.size() > 40) bytes.replace(0, 8, length_prefix(bytes.size() - 8 - 32));
    try {
      if (round % 40 == 0) {  // through a file; the rest in memory, which is a hundred times as fast
        // No durability wanted here: fsync, or ext4's flush of an overwritten file, would take all of the time.
        const auto path = dir / "m.safetensors";
        fs::remove(path);
        std::FILE* const file = std::fopen(path.c_str(), "wb");
        ASSERT_NE(file, nullptr);
        std::fwrite(bytes.data(), 1, bytes.size(), file);
        std::fclose(file);
        touch(TensorStore::open(path));
      } else if (bytes.size() > 40) {
        for (const auto& entry : parse_header(std::string_view(bytes).substr(8, bytes.size() - 40), 32, "x").entries)
          ASSERT_TRUE(0 <= entry.begin && entry.begin <= entry.end && entry.end <= 32);
      }
      ++accepted;
    } catch (const Error& error) {
      ASSERT_EQ(error.fault(), Fault::data) << "round " << round << ": " << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 10'000);
  EXPECT_GT(accepted, 100);  // else the mutations are so wild that they test only the first check
}

}  // namespace
}  // namespace pst::weights
