// SPDX-License-Identifier: Apache-2.0
#include "weights/safetensors.hpp"

#include <gmock/gmock.h>

#include <numeric>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::weights {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span<const T>(values));
}

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6};
const std::vector<std::int64_t> kTwo = {-1, 1ll << 40};
const std::vector<float> kNone;

std::vector<NewTensor> three_tensors() {
  return {{"z.weight", "F32", {2, 3}, bytes_of(kSix)},
          {"a.ids", "I64", {2}, bytes_of(kTwo)},
          {"empty", "F32", {0, 4}, bytes_of(kNone)}};
}

TEST(Safetensors, RoundTrip) {
  const fixture::TemporaryDirectory dir;
  save_tensors(dir / "m.safetensors", three_tensors(), {{"note", "a \"quoted\" word"}});

  const TensorStore store = TensorStore::open(dir / "m.safetensors");

  ASSERT_EQ(store.tensors().size(), 3u);
  EXPECT_EQ(store.tensors()[0].name, "a.ids");  // ordered by name, not by place
  const Tensor& z = store.get("z.weight");
  EXPECT_EQ(z.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(z.core_dtype(), Dtype::f32);
  EXPECT_EQ(z.count(), 6);
  EXPECT_THAT(ConstView(z.bytes.data(), 6, Dtype::f32).as<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(store.get("empty").count(), 0);
  EXPECT_EQ(store.metadata().at("format"), "pt");
  EXPECT_EQ(store.metadata().at("note"), "a \"quoted\" word");
  EXPECT_THAT(store.files(), ElementsAre(dir / "m.safetensors"));
}

TEST(Safetensors, BytesAreThoseOfTheFormat) {
  const fixture::TemporaryDirectory dir;
  const std::vector<std::uint8_t> value = {7};
  save_tensors(dir / "m.safetensors", {{"t", "U8", {1}, bytes_of(value)}});

  // Written out by hand from the format's description: 8-byte length, JSON padded to 8 bytes with blanks, data.
  const std::string header = R"({"__metadata__":{"format":"pt"},"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  const std::string expected = std::string(1, static_cast<char>(padded)) + std::string(7, '\0') + header +
                               std::string(padded - header.size(), ' ') + "\x07";
  EXPECT_EQ(read_file(dir / "m.safetensors"), expected);
}

TEST(Safetensors, UnknownNameSuggestsTheNearest) {
  const fixture::TemporaryDirectory dir;
  save_tensors(dir / "m.safetensors", three_tensors());
  const TensorStore store = TensorStore::open(dir / "m.safetensors");

  EXPECT_EQ(store.find("z.weigth"), nullptr);
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { store.get("z.weigth"); }), HasSubstr("did you mean \"z.weight\""));
}

TEST(Safetensors, DtypeWithoutAnArithmeticIsAnError) {
  const fixture::TemporaryDirectory dir;
  const std::vector<std::uint8_t> value = {7};
  save_tensors(dir / "m.safetensors", {{"t", "F8_E4M3", {1}, bytes_of(value)}});
  const TensorStore store = TensorStore::open(dir / "m.safetensors");

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { store.get("t").core_dtype(); }), HasSubstr("F8_E4M3"));
}

TEST(Safetensors, WriterGivesTheSameBytesAsSave) {
  const fixture::TemporaryDirectory dir;
  save_tensors(dir / "a", three_tensors(), {{"k", "v"}});

  TensorWriter writer(dir / "b", {{"z.weight", "F32", {2, 3}}, {"a.ids", "I64", {2}}, {"empty", "F32", {0, 4}}},
                      {{"k", "v"}});
  writer.add(bytes_of(kSix));
  writer.add(bytes_of(kTwo));
  writer.add(bytes_of(kNone));
  writer.finish();

  EXPECT_EQ(read_file(dir / "a"), read_file(dir / "b"));
}

TEST(Safetensors, WriterThatIsAbandonedLeavesNothing) {
  const fixture::TemporaryDirectory dir;
  {
    TensorWriter writer(dir / "m", {{"a", "F32", {2, 3}}, {"b", "F32", {1}}});
    writer.add(bytes_of(kSix));
    EXPECT_THROW(writer.finish(), Error);
    EXPECT_THROW(writer.add(bytes_of(kSix)), Error);  // b has one value
  }
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(Safetensors, SaveRefusesWhatNobodyCouldRead) {
  const fixture::TemporaryDirectory dir;
  const auto path = dir / "m";
  EXPECT_THROW(save_tensors(path, {{"a", "F32", {6}, bytes_of(kSix)}, {"a", "F32", {6}, bytes_of(kSix)}}), Error);
  EXPECT_THROW(save_tensors(path, {{"__metadata__", "F32", {6}, bytes_of(kSix)}}), Error);
  EXPECT_THROW(save_tensors(path, {{"a", "F31", {6}, bytes_of(kSix)}}), Error);
  EXPECT_THROW(save_tensors(path, {{"a", "F32", {7}, bytes_of(kSix)}}), Error);
  EXPECT_THROW(save_tensors(path, {{"a", "F32", {-1}, bytes_of(kSix)}}), Error);
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

// ---- several files -------------------------------------------------------------------------------------------------

void write_shards(const fixture::TemporaryDirectory& dir, const std::string& weight_map) {
  save_tensors(dir / "model-00001-of-00002.safetensors", {{"a", "F32", {6}, bytes_of(kSix)}});
  save_tensors(dir / "model-00002-of-00002.safetensors",
               {{"b", "I64", {2}, bytes_of(kTwo)}, {"c", "F32", {2, 3}, bytes_of(kSix)}});
  write_durably(dir / "model.safetensors.index.json",
                cat(R"({"metadata":{"total_size":64},"weight_map":)", weight_map, "}"));
}

constexpr const char* kGoodMap =
    R"({"c":"model-00002-of-00002.safetensors","a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"})";

TEST(ShardedSafetensors, ReadAsOneStore) {
  const fixture::TemporaryDirectory dir;
  write_shards(dir, kGoodMap);

  for (const auto& path : {dir.path(), dir / "model.safetensors.index.json"}) {
    const TensorStore store = TensorStore::open(path);
    ASSERT_EQ(store.tensors().size(), 3u);
    EXPECT_EQ(store.get("b").bytes.size(), 16u);
    EXPECT_THAT(ConstView(store.get("c").bytes.data(), 6, Dtype::f32).as<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_EQ(store.files().size(), 2u);
  }
}

TEST(ShardedSafetensors, AnIndexThatLiesIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"a":"../model-00001-of-00002.safetensors"})", "plain name"},
      {R"({"a":"/etc/model.safetensors"})", "plain name"},
      {R"({"a":"sub/model.safetensors"})", "plain name"},
      {R"({"a":"sub\\model.safetensors"})", "plain name"},
      {R"({"a":".."})", "plain name"},
      {R"({"a":""})", "plain name"},
      {R"({"a":"config.json"})", "plain name"},
      {R"({"a":"m\u0000.safetensors"})", "plain name"},
      {R"({"a":7})", "plain name"},
      {R"({})", "no 'weight_map'"},
      {R"([])", "no 'weight_map'"},
      {R"({"a":"x.safetensors","a":"y.safetensors"})", "occurs twice"},
      {R"({"a":"model-00003-of-00002.safetensors"})", "is missing"},
      {R"({"a":"model-00001-of-00002.safetensors","x":"model-00001-of-00002.safetensors"})", "has no tensor \"x\""},
      {R"({"b":"model-00002-of-00002.safetensors"})", "does not list"},
      {R"({"a":"model-00002-of-00002.safetensors","b":"model-00002-of-00002.safetensors","c":"model-00001-of-00002.safetensors"})",
       "puts into"},
  };
  for (const auto& [map, message] : cases) {
    SCOPED_TRACE(map);
    const fixture::TemporaryDirectory dir;
    write_shards(dir, map);
    EXPECT_THAT(fixture::error_of(Fault::data, [&] { TensorStore::open(dir.path()); }), HasSubstr(message));
  }
}

TEST(ShardedSafetensors, AFolderWithoutSafetensorsSaysWhatToDo) {
  const fixture::TemporaryDirectory dir;
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { TensorStore::open(dir.path()); }),
              HasSubstr("no model.safetensors"));
  write_durably(dir / "pytorch_model.bin", "x");
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { TensorStore::open(dir.path()); }), HasSubstr("save_pretrained"));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { TensorStore::open(dir / "gone"); }), HasSubstr("does not exist"));
}

}  // namespace
}  // namespace pst::weights
