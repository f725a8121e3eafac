// SPDX-License-Identifier: Apache-2.0
#include "lowbit/codec.hpp"

#include <limits>

#include "core/rng.hpp"
#include "core/strings.hpp"
#include "support/errors.hpp"
#include "support/recorded.hpp"
#include "support/temporary_directory.hpp"
#include "support/values.hpp"

namespace pst::lowbit {
namespace {

using testing::Eq;
using testing::HasSubstr;
using weights::TensorStore;

using Bytes = std::vector<std::byte>;

/// All arrays, each made in pieces whose ends `cut` chooses.
template <class Cut>
std::vector<Bytes> packed(const Codec& codec, const Matrix& matrix, Cut&& cut) {
  std::vector<float> statistics(static_cast<std::size_t>(codec.statistics(matrix)));
  const auto in_pieces = [&](std::size_t size, auto&& body) {
    for (std::size_t begin = 0; begin < size;) {
      const std::size_t end = std::min(size, begin + cut(size - begin));
      body(begin, end);
      begin = end;
    }
  };
  in_pieces(statistics.size(), [&](std::size_t begin, std::size_t end) {
    codec.collect(matrix, static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end), statistics.data() + begin);
  });
  std::vector<Bytes> made;
  for (const auto& array : codec.arrays(matrix)) {
    std::size_t size = size_of(array.dtype);
    for (const auto length : array.shape) size *= static_cast<std::size_t>(length);
    Bytes& bytes = made.emplace_back(size);
    in_pieces(size, [&](std::size_t begin, std::size_t end) {
      codec.pack(matrix, statistics, made.size() - 1, begin, end, bytes.data() + begin);
    });
  }
  return made;
}

std::vector<Bytes> packed(const Codec& codec, const Matrix& matrix) {
  return packed(codec, matrix, [](std::size_t left) { return left; });
}

Bytes bytes_of(const weights::Tensor& tensor) { return {tensor.bytes.begin(), tensor.bytes.end()}; }

/// A file with one matrix of numbers.
struct OneMatrix {
  fixture::TemporaryDirectory dir;
  std::optional<TensorStore> store;
  OneMatrix(std::vector<float> values, std::int64_t out, std::int64_t in) {
    weights::save_tensors(dir / "m.safetensors", {{"m.weight", "F32", {out, in}, std::as_bytes(std::span(values))}});
    store.emplace(TensorStore::open(dir / "m.safetensors"));
  }
  Matrix matrix() const {
    const auto& shape = store->get("m.weight").shape;
    return {*store, "m.weight", shape[0], shape[1]};
  }
};

TEST(Codec, MakesWhatBitsandbytesSaved) {
  const auto nf4 = fixture::recorded_quantised("nf4");
  for (const auto& name : fixture::cases_of(nf4, "values")) {
    SCOPED_TRACE(name);
    const auto& values = nf4.get(name + ".values");
    const Matrix numbers{nf4, values.name, values.shape[0], values.shape[1]};

    const auto made = packed(*nf4_codec(Scales::quantised, serial_cpu()), numbers);

    ASSERT_EQ(made.size(), 5u);
    EXPECT_THAT(made[0], Eq(bytes_of(nf4.get(name + ".weight"))));
    EXPECT_THAT(made[1], Eq(bytes_of(nf4.get(name + ".weight.absmax"))));
    EXPECT_THAT(made[2], Eq(bytes_of(nf4.get(name + ".weight.nested_absmax"))));
    EXPECT_THAT(made[3], Eq(bytes_of(nf4.get(name + ".weight.nested_quant_map"))));
    // The same arrays come out of the file as bitsandbytes wrote it.
    const Matrix quantised{nf4, name + ".weight", values.shape[0], values.shape[1]};
    EXPECT_EQ(nf4_codec(Scales::plain, serial_cpu())->statistics(quantised), 0);
    EXPECT_THAT(packed(*nf4_codec(Scales::plain, serial_cpu()), quantised), Eq(made));
  }
  const auto int8 = fixture::recorded_quantised("int8");
  for (const auto& name : fixture::cases_of(int8, "values")) {
    SCOPED_TRACE(name);
    const auto& values = int8.get(name + ".values");

    const auto made = packed(*int8_codec(serial_cpu()), Matrix{int8, values.name, values.shape[0], values.shape[1]});

    EXPECT_THAT(made[0], Eq(bytes_of(int8.get(name + ".weight"))));
    EXPECT_THAT(made[1], Eq(bytes_of(int8.get(name + ".SCB"))));
    EXPECT_THAT(packed(*int8_codec(serial_cpu()), Matrix{int8, name + ".weight", values.shape[0], values.shape[1]}),
                Eq(made));
  }
}

TEST(Codec, TheSameBytesWhateverTheCuts) {
  const OneMatrix file(fixture::random_values(311 * 101, 8), 311, 101);
  std::uint64_t at = 0;
  const auto random_cut = [&](std::size_t left) { return 1 + Rng(9).below(std::min<std::uint64_t>(left, 3000), at++); };
  const std::unique_ptr<Codec> codecs[] = {nf4_codec(Scales::quantised, serial_cpu()),
                                           nf4_codec(Scales::plain, fixture::in_pieces(77)), int8_codec(serial_cpu()),
                                           fp8_codec(serial_cpu())};
  for (const auto& codec : codecs) {
    const auto whole = packed(*codec, file.matrix());
    for (int round = 0; round < 5; ++round) EXPECT_THAT(packed(*codec, file.matrix(), random_cut), Eq(whole));
  }
}

TEST(Codec, NamesThePlaceOfWhatIsNoNumber) {
  auto values = fixture::random_values(40 * 50, 3);
  values[1234] = std::numeric_limits<float>::quiet_NaN();
  const OneMatrix file(values, 40, 50);

  for (const auto& codec : {nf4_codec(Scales::plain, serial_cpu()), int8_codec(serial_cpu()), fp8_codec(serial_cpu())})
    EXPECT_THAT(fixture::error_of(Fault::data, [&, made = codec.get()] { packed(*made, file.matrix()); }),
                HasSubstr("tensor m.weight holds a NaN at row 24, column 34"));
}

/// The recorded NF4 matrix with one of its tensors changed.
std::string complaint_about(const std::string& tensor, const std::function<void(weights::NewTensor&, Bytes&)>& change) {
  const auto recorded = fixture::recorded_quantised("nf4");
  std::vector<weights::NewTensor> tensors;
  Bytes changed;
  for (const auto& stored : recorded.tensors()) {
    if (!stored.name.starts_with("plain.weight")) continue;
    tensors.push_back({stored.name, stored.dtype, stored.shape, stored.bytes});
    if (stored.name != tensor) continue;
    changed = bytes_of(stored);
    change(tensors.back(), changed);
    tensors.back().bytes = changed;
  }
  const fixture::TemporaryDirectory dir;
  weights::save_tensors(dir / "m.safetensors", tensors);
  const auto store = TensorStore::open(dir / "m.safetensors");
  return fixture::error_of(Fault::data, [&] {
    packed(*nf4_codec(Scales::quantised, serial_cpu()), Matrix{store, "plain.weight", 24, 64});
  });
}

TEST(Codec, TrustsNoQuantisedFile) {
  const auto set_float = [](Bytes& bytes, std::size_t at, float value) {
    std::memcpy(bytes.data() + 4 * at, &value, sizeof value);
  };
  EXPECT_THAT(complaint_about("plain.weight.quant_map", [&](auto&, Bytes& bytes) { set_float(bytes, 3, 0.5f); }),
              HasSubstr("holds other levels than NF4's"));
  EXPECT_THAT(
      complaint_about("plain.weight.nested_absmax", [&](auto&, Bytes& bytes) { set_float(bytes, 0, std::nanf("")); }),
      HasSubstr("plain.weight.nested_absmax holds a NaN"));
  EXPECT_THAT(
      complaint_about("plain.weight.nested_quant_map", [&](auto&, Bytes& bytes) { set_float(bytes, 9, -INFINITY); }),
      HasSubstr("holds an infinity at row 9"));
  EXPECT_THAT(complaint_about("plain.weight.absmax",
                              [&](weights::NewTensor& tensor, Bytes& bytes) {
                                tensor.shape = {23};
                                bytes.resize(23);
                              }),
              HasSubstr("plain.weight.absmax is U8 [23]"));
  EXPECT_THAT(complaint_about("plain.weight", [&](weights::NewTensor& tensor, Bytes&) { tensor.dtype = "I8"; }),
              HasSubstr("in NF4 is U8 of 768 values"));
  const auto state = [&](const std::string& from, const std::string& to) {
    return complaint_about(std::string("plain.weight") + ".quant_state.bitsandbytes__nf4",
                           [&](weights::NewTensor& tensor, Bytes& bytes) {
                             std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                             text.replace(text.find(from), from.size(), to);
                             const auto changed = std::as_bytes(std::span(text));
                             bytes.assign(changed.begin(), changed.end());
                             tensor.shape = {static_cast<std::int64_t>(bytes.size())};
                           });
  };
  EXPECT_THAT(state("\"blocksize\": 64", "\"blocksize\": 128"), HasSubstr("says blocksize 128; supported here is 64"));
  EXPECT_THAT(state("[24, 64]", "[64, 24]"), HasSubstr("says shape [64,24]"));
  EXPECT_THAT(state("\"nf4\"", "\"fp4\""), HasSubstr("supported here is \"nf4\""));
  EXPECT_THAT(state("2.730548858642578", "1e999"), HasSubstr("a number is too large"));
  EXPECT_THAT(state("{", "["), HasSubstr("plain.weight.quant_state"));
}

/// A matrix of 8-bit floats as compressed-tensors keeps it.
struct OneFp8Matrix {
  fixture::TemporaryDirectory dir;
  std::optional<TensorStore> store;
  OneFp8Matrix(Bytes codes, const std::vector<float>& scales, const std::string& suffix = "_scale") {
    const std::vector<std::int64_t> shape =
        scales.size() == 1 ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{std::ssize(scales), 1};
    weights::save_tensors(dir / "m.safetensors",
                          {{"m.weight", "F8_E4M3", {3, 4}, codes},
                           {"m.weight" + suffix, "F32", shape, std::as_bytes(std::span(scales))}});
    store.emplace(TensorStore::open(dir / "m.safetensors"));
  }
  std::vector<Bytes> packed() const { return lowbit::packed(*fp8_codec(serial_cpu()), {*store, "m.weight", 3, 4}); }
};

TEST(Codec, TakesStoredFp8AsItIs) {
  const Bytes codes(12, std::byte{0x41});
  const auto bytes = [](const std::vector<float>& values) {
    const auto all = std::as_bytes(std::span(values));
    return Bytes(all.begin(), all.end());
  };
  EXPECT_THAT(OneFp8Matrix(codes, {1, 2, 3}).packed(), testing::ElementsAre(codes, bytes({1, 2, 3})));
  EXPECT_THAT(OneFp8Matrix(codes, {0.5f}).packed(), testing::ElementsAre(codes, bytes({0.5f, 0.5f, 0.5f})));

  Bytes with_nan = codes;
  with_nan[9] = std::byte{0xff};
  const auto complaint = [](const OneFp8Matrix& file) {
    return fixture::error_of(Fault::data, [&] { file.packed(); });
  };
  EXPECT_THAT(complaint({with_nan, {1, 2, 3}}), HasSubstr("m.weight holds a NaN at row 2"));
  EXPECT_THAT(complaint({codes, {1, NAN, 3}}), HasSubstr("m.weight_scale holds a NaN at row 1"));
  EXPECT_THAT(complaint({codes, {1, 2}}), HasSubstr("one number for each of 3 rows"));
  EXPECT_THAT(complaint({codes, {1}, "_scale_inv"}), HasSubstr("scales per block"));
  EXPECT_THAT(complaint({codes, {1}, "_other"}), HasSubstr("m.weight_scale is missing"));
}

}  // namespace
}  // namespace pst::lowbit
