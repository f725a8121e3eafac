// SPDX-License-Identifier: Apache-2.0
// Hostile GGUF files: a clear Error(data), in time and memory bounded by the file.
#include "gguf/gguf_file.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "core/rng.hpp"
#include "gguf_bytes.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::gguf {
namespace {

using fixture::gguf_string;
using fixture::GgufBytes;
using fixture::raw;
using pst::fixture::TemporaryDirectory;
using testing::ElementsAre;
using testing::HasSubstr;

GgufBytes small_file() {
  GgufBytes file;
  file.add_text("general.architecture", "llama");
  file.add_u32("n", 7);
  file.add_f32("x", 0.5f);
  file.add_bool("yes", true);
  file.add("big", 10, raw<std::uint64_t>(1ull << 40));
  file.add("minus", 11, raw<std::int64_t>(-3));
  file.add("tiny", 1, raw<std::int8_t>(-1));
  file.add("wide", 12, raw<double>(0.1));
  file.add_texts("words", {"a", "", "ccc"});
  file.add_i32s("numbers", {1, -2});
  file.add_tensor("a", {2, 3}, 0, std::string(24, 'a'));
  file.add_tensor("b", {32}, 8, std::string(34, 'b'));
  return file;
}

TEST(GgufFile, ReadsBothVersions) {
  for (const std::uint32_t version : {2u, 3u}) {
    const TemporaryDirectory dir;
    GgufBytes bytes = small_file();
    bytes.version = version;
    fixture::write_file(dir / "m.gguf", bytes.bytes());

    const File file(dir / "m.gguf");

    EXPECT_EQ(file.needed_text("general.architecture"), "llama");
    EXPECT_EQ(file.integer("n"), 7);
    EXPECT_EQ(file.integer("big"), std::int64_t{1} << 40);
    EXPECT_EQ(file.integer("minus"), -3);
    EXPECT_EQ(file.integer("tiny"), -1);
    EXPECT_EQ(file.real("x"), 0.5);
    EXPECT_EQ(file.real("wide"), 0.1);
    EXPECT_EQ(file.flag("yes"), true);
    EXPECT_THAT(*file.texts("words"), ElementsAre("a", "", "ccc"));
    EXPECT_THAT(*file.integers("numbers"), ElementsAre(1, -2));
    EXPECT_EQ(file.integer("absent"), std::nullopt);
    ASSERT_EQ(file.tensors().size(), 2u);
    EXPECT_THAT(file.tensors()[0].shape, ElementsAre(3, 2));  // rows first
    EXPECT_EQ(file.tensors()[0].bytes.size(), 24u);
    EXPECT_EQ(file.find_tensor("b")->bytes[33], std::byte{'b'});
    EXPECT_EQ(file.find_tensor("c"), nullptr);
  }
}

TEST(GgufFile, OtherAlignmentIsHonoured) {
  const TemporaryDirectory dir;
  GgufBytes bytes;
  bytes.alignment = 256;
  bytes.add_u32("general.alignment", 256);
  bytes.add_tensor("a", {1}, 0, "aaaa");
  bytes.add_tensor("b", {1}, 0, "bbbb");
  fixture::write_file(dir / "m.gguf", bytes.bytes());

  const File file(dir / "m.gguf");

  EXPECT_EQ(file.find_tensor("b")->bytes[0], std::byte{'b'});
}

TEST(GgufFile, AValueOfAnotherTypeNamesItsKey) {
  const TemporaryDirectory dir;
  fixture::write_file(dir / "m.gguf", small_file().bytes());
  const File file(dir / "m.gguf");

  const auto expect = [](const std::string& message, const std::function<void()>& body) {
    EXPECT_THAT(pst::fixture::error_of(Fault::data, body), HasSubstr(message));
  };
  expect("\"general.architecture\" is not a whole number", [&] { (void)file.integer("general.architecture"); });
  expect("\"n\" is not a string", [&] { (void)file.text("n"); });
  expect("\"words\" is not a number", [&] { (void)file.real("words"); });
  expect("\"n\" is not true or false", [&] { (void)file.flag("n"); });
  expect("\"numbers\" is not a list of strings", [&] { (void)file.texts("numbers"); });
  expect("\"words\" is not a list of whole numbers", [&] { (void)file.integers("words"); });
  expect("\"gone\" is missing", [&] { (void)file.needed_integer("gone"); });
}

struct Case {
  std::string message;
  std::function<std::string()> bytes;
};

/// A file with one more metadata entry, given as raw bytes.
std::string with_entry(const std::string& key, std::uint32_t type, const std::string& value) {
  GgufBytes file;
  file.add(key, type, value);
  return file.bytes();
}
/// A file with 64 bytes of data and the given tensors' descriptions.
std::string with_tensors(const std::function<void(GgufBytes&)>& describe) {
  GgufBytes file;
  describe(file);
  file.data_suffix = std::string(64, 'd');
  return file.bytes();
}

TEST(GgufFile, RefusesEveryHostileOneWithItsReason) {
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  const std::vector<Case> cases = {
      {"is not a GGUF file", [] { return std::string(); }},
      {"is not a GGUF file", [] { return std::string("GGUF"); }},
      {"is not a GGUF file", [] { return "GGML" + std::string(100, '\0'); }},
      {"GGUF version 1",
       [] {
         auto f = small_file();
         f.version = 1;
         return f.bytes();
       }},
      {"GGUF version 4",
       [] {
         auto f = small_file();
         f.version = 4;
         return f.bytes();
       }},
      {"big-endian",
       [] {
         auto f = small_file();
         f.version = 0x03000000;
         return f.bytes();
       }},
      {"metadata entries, more than it can hold",
       [] {
         auto f = small_file();
         f.extra_entries = 1ll << 62;
         return f.bytes();
       }},
      {"metadata entries, more than it can hold",
       [] {
         auto f = small_file();
         f.extra_entries = -11;
         return f.bytes();
       }},
      {"tensors, more than it can hold",
       [] {
         auto f = small_file();
         f.extra_tensors = 1ll << 60;
         return f.bytes();
       }},
      {"characters; at most",
       [] {
         return "GGUF" + raw(3u) + raw<std::uint64_t>(0) + raw<std::uint64_t>(1) + raw(kHuge) + std::string(64, 'x');
       }},
      {"k needs 1000 bytes, but 19 are left", [] { return with_entry("k", 8, raw<std::uint64_t>(1000) + "short"); }},
      {"characters; at most", [] { return with_entry("k", 8, raw(kHuge)); }},
      {"unknown type 13", [] { return with_entry("k", 13, raw<std::uint64_t>(0)); }},
      {"neither true nor false", [] { return with_entry("k", 7, "\x02"); }},
      {"below 2^63", [] { return with_entry("k", 10, raw(kHuge)); }},
      {"a list of lists",
       [] { return with_entry("k", 9, raw(9u) + raw<std::uint64_t>(1) + raw(4u) + raw<std::uint64_t>(0)); }},
      {"unknown type 99", [] { return with_entry("k", 9, raw(99u) + raw<std::uint64_t>(0)); }},
      {"more than the file can hold", [] { return with_entry("k", 9, raw(8u) + raw(kHuge)); }},
      {"more than the file can hold", [] { return with_entry("k", 9, raw(0u) + raw<std::uint64_t>(1u << 20)); }},
      {"occurs twice",
       [] {
         auto f = small_file();
         f.add_u32("n", 8);
         return f.bytes();
       }},
      {"power of two",
       [] {
         auto f = small_file();
         f.add_u32("general.alignment", 0);
         return f.bytes();
       }},
      {"power of two",
       [] {
         auto f = small_file();
         f.add_u32("general.alignment", 24);
         return f.bytes();
       }},
      {"power of two",
       [] {
         auto f = small_file();
         f.add_u32("general.alignment", 1u << 31);
         return f.bytes();
       }},
      {"not a whole number",
       [] {
         auto f = small_file();
         f.add_text("general.alignment", "32");
         return f.bytes();
       }},
      {"0 dimensions", [] { return with_tensors([](auto& f) { f.add_info("t", {}, 0, 0); }); }},
      {"5 dimensions", [] { return with_tensors([](auto& f) {
                              f.add_info("t", {1, 1, 1, 1, 1}, 0, 0);
                            }); }},
      {"empty or too large", [] { return with_tensors([](auto& f) { f.add_info("t", {0}, 0, 0); }); }},
      {"empty or too large", [] { return with_tensors([](auto& f) { f.add_info("t", {1ull << 63}, 0, 0); }); }},
      {"empty or too large",
       [] { return with_tensors([](auto& f) {
              f.add_info("t", {1ull << 33, 1ull << 33}, 0, 0);
            }); }},
      {"larger than 2^64", [] { return with_tensors([](auto& f) {
                                  f.add_info("t", {1ull << 62, 2}, 0, 0);
                                }); }},
      {"type Q2_K", [] { return with_tensors([](auto& f) { f.add_info("t", {256}, 10, 0); }); }},
      {"type number 4711", [] { return with_tensors([](auto& f) { f.add_info("t", {256}, 4711, 0); }); }},
      {"no multiple of the 32", [] { return with_tensors([](auto& f) { f.add_info("t", {33}, 2, 0); }); }},
      {"not at a multiple of 32", [] { return with_tensors([](auto& f) { f.add_info("t", {1}, 0, 4); }); }},
      {"has only 64", [] { return with_tensors([](auto& f) { f.add_info("t", {17}, 0, 0); }); }},
      {"has only 64", [] { return with_tensors([](auto& f) { f.add_info("t", {1}, 0, ~std::uint64_t{31}); }); }},
      {"overlap",
       [] {
         return with_tensors([](auto& f) {
           f.add_info("t", {9}, 0, 0);
           f.add_info("u", {1}, 0, 32);
         });
       }},
      {"overlap",
       [] {
         return with_tensors([](auto& f) {
           f.add_info("t", {1}, 0, 32);
           f.add_info("u", {1}, 0, 32);
         });
       }},
      {"name \"t\" occurs twice",
       [] {
         return with_tensors([](auto& f) {
           f.add_info("t", {1}, 0, 0);
           f.add_info("t", {1}, 0, 32);
         });
       }},
      {"at most 1024", [] { return with_tensors([](auto& f) { f.add_info(std::string(2000, 't'), {1}, 0, 0); }); }},
  };
  const TemporaryDirectory dir;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.message);
    const auto path = dir / "m.gguf";
    fixture::write_file(path, c.bytes());
    const std::string report = pst::fixture::error_of(Fault::data, [&] { File file(path); });
    EXPECT_THAT(report, HasSubstr(c.message));
    EXPECT_THAT(report, HasSubstr("m.gguf"));
  }
}

TEST(GgufFile, CutOffAnywhereItIsRefused) {
  const TemporaryDirectory dir;
  const std::string whole = small_file().bytes();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    fixture::write_file(dir / "m.gguf", whole.substr(0, length));
    EXPECT_THROW(File(dir / "m.gguf"), Error) << length;
  }
}

TEST(GgufFile, AnyMutationIsRefusedOrSafe) {
  const TemporaryDirectory dir;
  const std::string whole = small_file().bytes();
  const Rng rng(7);
  int accepted = 0, refused = 0;
  for (std::uint64_t round = 0; round < 5000; ++round) {
    const Rng dice = rng.child(round);
    std::string bytes = whole;
    for (std::uint64_t edit = 0; edit <= dice.below(3, 0); ++edit) {
      const auto at = static_cast<std::size_t>(dice.below(bytes.size(), 4 * edit + 1));
      if (dice.below(4, 4 * edit + 2) == 0)
        bytes[at] = '\xff';
      else
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << dice.below(8, 4 * edit + 3)));
    }
    fixture::write_file(dir / "m.gguf", bytes);
    try {
      const File file(dir / "m.gguf");
      for (const auto& tensor : file.tensors()) {
        std::vector<float> values(static_cast<std::size_t>(tensor.count()));
        dequantize(tensor.type, tensor.bytes, values);  // every promised byte is there
      }
      ++accepted;
    } catch (const Error& error) {
      ASSERT_EQ(error.fault(), Fault::data) << "round " << round << ": " << error.what();
      ++refused;
    }
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace pst::gguf
