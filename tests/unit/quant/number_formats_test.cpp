// SPDX-License-Identifier: Apache-2.0
// What a row of each of the three tables promises (weights/number_format.hpp, lowbit/codec.hpp, quant/format.cpp), for
// every format there is: a new one is tested by being there.
#include <ATen/ops/eye.h>

#include <cstring>
#include <set>

#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "lowbit/quantise_folder.hpp"
#include "nn/frozen_storage.hpp"
#include "quant/format.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"
#include "weights/dtype.hpp"
#include "weights/stored_layout.hpp"

namespace pst::quant {
namespace {

using lowbit::Scales;
using weights::NumberFormat;

constexpr Scales kScales[] = {Scales::plain, Scales::quantised};

/// A file with one matrix of numbers.
struct OneMatrix {
  fixture::TemporaryDirectory dir;
  std::optional<weights::TensorStore> store;
  explicit OneMatrix(const at::Tensor& values_oi) {
    const auto* const data = static_cast<const std::byte*>(values_oi.const_data_ptr());
    weights::save_tensors(dir / "m.safetensors",
                          {{"m.weight", "F32", {values_oi.size(0), values_oi.size(1)}, {data, values_oi.nbytes()}}});
    store.emplace(weights::TensorStore::open(dir / "m.safetensors"));
  }
  nn::MatrixSource matrix() const {
    const auto& shape = store->get("m.weight").shape;
    return {*store, "m.weight", shape[0], shape[1]};
  }
};

/// The matrix's arrays.
std::vector<at::Tensor> packed(std::shared_ptr<const nn::FrozenFormat> format, const nn::MatrixSource& matrix) {
  nn::FrozenBlock block{"m", nn::FrozenBlock::Role::layer, {}};
  block.add(matrix, std::move(format));
  const auto storage = nn::replicated_storage({block});
  return storage->parts(0, 0);
}

TEST(NumberFormats, HaveARowInEachTable) {
  std::set<std::string> names, shown;
  ASSERT_EQ(weights::number_formats().size(), weights::quantised_formats().size() + 1);
  ASSERT_EQ(lowbit::packings().size(), weights::quantised_formats().size());
  for (const auto& row : weights::number_formats()) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(&weights::row_of(row.format), &row) << "rows are in the order of the enum";
    EXPECT_EQ(weights::number_format_of(row.name), row.format);
    EXPECT_TRUE(names.insert(row.name).second && shown.insert(row.shown).second);
    EXPECT_FALSE(std::string(row.help).empty());
    EXPECT_EQ(row.stored == nullptr, row.format == NumberFormat::none);
    if (row.format == NumberFormat::none) continue;
    EXPECT_TRUE(weights::bytes_per_value(row.stored->codes));
    EXPECT_FALSE(weights::is_floating(row.stored->codes)) << "a matrix of numbers would be taken for one of codes";
    EXPECT_NO_THROW(lowbit::packing_of(row.format));
    EXPECT_NO_THROW(make_format({.format = row.format}));
  }
  EXPECT_THAT(fixture::error_of(Fault::usage, [] { weights::number_format_of("int3"); }),
              testing::HasSubstr("there is no number format \"int3\"; known are none, nf4"));
}

TEST(NumberFormats, SayTheBytesThatTheyTake) {
  for (const auto& row : weights::quantised_formats())
    for (const Scales scales : kScales)
      for (const auto& [out, in] : {std::pair{5, 7}, {36, 50}, {96, 320}}) {
        SCOPED_TRACE(cat(row.name, " ", out, " x ", in));
        const OneMatrix file(fixture::random({out, in}, 1));
        const std::shared_ptr<const nn::FrozenFormat> format = make_format({.format = row.format, .scales = scales});

        std::size_t allocated = 0, announced = 0;
        for (const auto& part : packed(format, file.matrix())) allocated += part.nbytes();
        for (const auto& part : format->parts(file.matrix())) announced += nn::bytes_of(part);

        EXPECT_EQ(lowbit::packed_bytes(row.format, scales, out, in), allocated);
        EXPECT_EQ(announced, allocated);
      }
}

TEST(NumberFormats, KeepWhatTheyKept) {
  for (const auto& row : weights::quantised_formats())
    for (const Scales scales : kScales) {
      SCOPED_TRACE(row.name);
      const at::Tensor values = fixture::random({24, 64}, 1);
      const OneMatrix first(values);
      const std::shared_ptr<const nn::FrozenFormat> format = make_format({.format = row.format, .scales = scales});
      const auto parts = packed(format, first.matrix());
      // What the layer multiplies with: W, since x is the identity. Of 64 columns no sum has more than one term.
      const at::Tensor meant =
          format->make(first.matrix(), parts, std::nullopt)->apply(at::eye(64, values.options())).t().contiguous();

      const OneMatrix second(meant);
      const auto again = packed(format, second.matrix());

      EXPECT_THAT(again.at(0), fixture::bitwise_equal(parts.at(0))) << "codes of values that are in the format";
      EXPECT_GT(fixture::largest_difference(meant, values), 0) << "nothing was quantised";
      EXPECT_LT(fixture::largest_difference(meant, values), 0.2) << "of values below 1";
    }
}

TEST(NumberFormats, AreReadBackFromTheFoldersThatTheyWrite) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir / "from", {.tied = false});
  for (const auto& row : weights::quantised_formats())
    for (const Scales scales : kScales) {
      const auto to = dir / cat(row.name, scales == Scales::plain ? "-plain" : "");
      SCOPED_TRACE(to.string());
      lowbit::quantise_folder(dir / "from", to, {.format = row.format, .scales = scales});

      EXPECT_EQ(families::read_model(to).stored, row.format);
      const auto numbers = weights::TensorStore::open(dir / "from"), codes = weights::TensorStore::open(to);
      const auto model = families::read_model(to);
      for (const auto& spec : families::tensors_of(model)) {
        const auto& tensor = codes.get(spec.name);
        if (!families::layer_matrices(model).contains(spec.name)) {
          EXPECT_NE(tensor.dtype, row.stored->codes) << spec.name;
          continue;
        }
        EXPECT_EQ(tensor.dtype, row.stored->codes) << spec.name;
        EXPECT_TRUE(row.stored->holds(codes, spec.name, spec.shape[0], spec.shape[1]));
        EXPECT_FALSE(row.stored->holds(numbers, spec.name, spec.shape[0], spec.shape[1]));
        // The arrays of the folder are those of the numbers, for a reader whose own choice of scales is another.
        const std::shared_ptr<const nn::FrozenFormat> from_numbers =
            make_format({.format = row.format, .scales = scales});
        const std::shared_ptr<const nn::FrozenFormat> from_codes =
            make_format({.format = row.format, .stored = row.format});
        const auto expected = packed(from_numbers, {numbers, spec.name, spec.shape[0], spec.shape[1]});
        const auto found = packed(from_codes, {codes, spec.name, spec.shape[0], spec.shape[1]});
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i)
          EXPECT_THAT(found[i], fixture::bitwise_equal(expected[i])) << spec.name << " array " << i;
      }
    }
}

}  // namespace
}  // namespace pst::quant
