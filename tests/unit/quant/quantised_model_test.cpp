// SPDX-License-Identifier: Apache-2.0
// A llama whose layers are quantised: the dense model of the dequantised weights, bit for bit, in shares or whole.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include <cstring>

#include "comm/local_communicator.hpp"
#include "families/read_model.hpp"
#include "kernels/fp8/fp8.hpp"
#include "kernels/int8/int8.hpp"
#include "kernels/nf4/nf4.hpp"
#include "lowbit/quantise_folder.hpp"
#include "model/decoder.hpp"
#include "nn/frozen_storage.hpp"
#include "ops/row_by_row.hpp"
#include "ops/torch_exec.hpp"
#include "parallel/sharded_storage.hpp"
#include "quant/format.hpp"
#include "support/adapter_pass.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::quant {
namespace {

using lowbit::Scales;
using weights::NumberFormat;

using fixture::adapter_pass;
using Outcome = fixture::AdapterPass;

struct Folder {
  fixture::TemporaryDirectory dir;
  families::ModelSpec config;
  weights::TensorStore store;
  explicit Folder(const fixture::TinyModel& shape)
      : config((fixture::write_tiny_model(dir / "model", shape), families::read_model(dir / "model"))),
        store(weights::TensorStore::open(dir / "model")) {}
};

const fixture::TinyModel kShape = fixture::awkward_model(2);

/// Keeps the weights dense, after a round trip through `inner`: the plain way to compute with a quantised model.
class RoundTrip final : public nn::FrozenFormat {
 public:
  RoundTrip(NumberFormat format, std::unique_ptr<lowbit::Codec> codec, Dtype compute)
      : format_(format), codec_(std::move(codec)), compute_(compute) {}

  std::vector<nn::Part> parts(const nn::MatrixSource& m) const override { return {{"", compute_, {m.out, m.in}}}; }
  void pack(const nn::MatrixSource& m, std::span<const float>, std::size_t, std::size_t, std::size_t,
            std::byte* into) const override {
    const lowbit::Matrix matrix{m.store, m.name, m.out, m.in};
    std::vector<float> statistics(static_cast<std::size_t>(codec_->statistics(matrix)));
    codec_->collect(matrix, 0, codec_->statistics(matrix), statistics.data());
    std::vector<std::vector<std::byte>> arrays;
    std::vector<ConstView> views;
    for (const auto& array : codec_->arrays(matrix)) {
      std::int64_t count = 1;
      for (const auto size : array.shape) count *= size;
      auto& bytes = arrays.emplace_back(static_cast<std::size_t>(count) * size_of(array.dtype));
      codec_->pack(matrix, statistics, arrays.size() - 1, 0, bytes.size(), bytes.data());
      views.emplace_back(bytes.data(), count, array.dtype);
    }
    const View out{into, m.out * m.in, compute_};
    if (format_ == NumberFormat::fp8) return kernels::fp8_dequantise(serial_cpu(), views[0], views[1], m.in, 0, out);
    if (format_ == NumberFormat::int8) return kernels::int8_dequantise(serial_cpu(), views[0], views[1], m.in, 0, out);
    std::vector<float> absmax(static_cast<std::size_t>(views[1].count));
    if (views.size() > 2)
      kernels::double_dequantise(serial_cpu(), views[1], views[2], views[3], views[4], 0, view_of(std::span(absmax)));
    else
      std::memcpy(absmax.data(), views[1].data, 4 * absmax.size());
    kernels::nf4_dequantise_reference(views[0], view_of(std::span(absmax)), kernels::kNf4Block, 0, out);
  }
  std::unique_ptr<nn::Linear> make(const nn::MatrixSource&, const std::vector<at::Tensor>& parts,
                                   std::optional<at::Tensor> bias) const override {
    return std::make_unique<nn::DenseLinear>(parts.at(0), std::move(bias));
  }

 private:
  NumberFormat format_;
  std::unique_ptr<lowbit::Codec> codec_;
  Dtype compute_;
};

TEST(QuantisedModel, ComputesAndLearnsAsTheDequantisedOne) {
  const Folder folder(kShape);
  for (const auto compute : {at::kFloat, at::kBFloat16})
    for (const auto& [format, scales] : {std::pair{NumberFormat::nf4, Scales::quantised},
                                         {NumberFormat::nf4, Scales::plain},
                                         {NumberFormat::int8, Scales::plain},
                                         {NumberFormat::fp8, Scales::plain}}) {
      SCOPED_TRACE(weights::name_of(format));
      const Dtype dtype = compute == at::kFloat ? Dtype::f32 : Dtype::bf16;
      auto codec = format == NumberFormat::nf4   ? lowbit::nf4_codec(scales, serial_cpu())
                   : format == NumberFormat::fp8 ? lowbit::fp8_codec(serial_cpu())
                                                 : lowbit::int8_codec(serial_cpu());
      const auto load = [&](std::shared_ptr<const nn::FrozenFormat> matrices) {
        return model::load(folder.config, folder.store, compute, std::move(matrices), nn::replicated_storage, 64);
      };
      const Outcome expected =
          adapter_pass(*load(std::make_shared<RoundTrip>(format, std::move(codec), dtype)), compute);

      const auto model = load(make_format({.format = format, .scales = scales, .compute = dtype}));
      const Outcome outcome = adapter_pass(*model, compute);

      EXPECT_THAT(outcome.hidden, fixture::bitwise_equal(expected.hidden));
      EXPECT_THAT(outcome.gradient, fixture::bitwise_equal(expected.gradient));
      const Outcome dense = adapter_pass(*load(nn::dense_format(dtype)), compute);
      EXPECT_GT(fixture::largest_difference(outcome.hidden, dense.hidden), 0) << "nothing was quantised";
    }
}

// Some rows are multiplied with the codes as they are, more are not.
TEST(QuantisedModel, GenerationGivesARowTheSameBitsWithAnyOthers) {
  const Folder folder(kShape);
  for (const auto format : {NumberFormat::nf4, NumberFormat::int8, NumberFormat::fp8})
    for (const auto compute : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(weights::name_of(format));
      const auto model =
          model::load(folder.config, folder.store, compute,
                      make_format({.format = format, .compute = compute == at::kFloat ? Dtype::f32 : Dtype::bf16}),
                      nn::replicated_storage, 64);
      const ops::RowByRow rows_alone;
      const at::Tensor ids = at::arange(5, 27);
      const auto hidden = [&](std::int64_t step) {
        nn::KvPages pages(model->key_values(), 2, model->rows_like());
        nn::Sequence sequence;
        std::vector<at::Tensor> parts;
        for (std::int64_t at = 0; at < ids.size(0); at += step) {
          const at::Tensor some = ids.slice(0, at, at + step);
          parts.push_back(
              model->continue_sequences(some, std::vector<nn::Continued>{{&sequence, some.size(0)}}, pages));
        }
        return at::cat(parts);
      };
      const at::Tensor one_by_one = hidden(1);
      for (const std::int64_t step : {3, 11, 22}) EXPECT_THAT(hidden(step), fixture::bitwise_equal(one_by_one)) << step;
    }
}

TEST(QuantisedModel, SharesOverRanksHaveTheSameBits) {
  const Folder folder(kShape);
  const Options options{.format = NumberFormat::nf4};
  const auto whole =
      model::load(folder.config, folder.store, at::kFloat, make_format(options), nn::replicated_storage, 64);
  const Outcome expected = adapter_pass(*whole, at::kFloat);
  for (const int ranks : {2, 3})
    for (const auto recompute : {nn::Recompute::nothing, nn::Recompute::layers})
      comm::run_ranks(ranks, [&](comm::Communicator& group) {
        const auto model = model::load(
            folder.config, folder.store, at::kFloat, make_format(options),
            [&](const nn::FrozenLayout& layout) { return parallel::sharded_storage(layout, group); }, 64);
        const Outcome outcome = adapter_pass(*model, at::kFloat, recompute);
        EXPECT_THAT(outcome.hidden, fixture::bitwise_equal(expected.hidden));
        EXPECT_THAT(outcome.gradient, fixture::bitwise_equal(expected.gradient));
      });
}

TEST(QuantisedModel, AQuantisedFolderIsTakenAsItIs) {
  const Folder folder(kShape);
  for (const auto format : {NumberFormat::nf4, NumberFormat::int8, NumberFormat::fp8}) {
    const auto to = folder.dir / weights::name_of(format);
    lowbit::quantise_folder(folder.dir / "model", to, {.format = format, .skip = {"v_proj"}});
    const auto config = families::read_model(to);
    const auto load = [&](const weights::TensorStore& store, const Options& options) {
      return adapter_pass(*model::load(config, store, at::kFloat, make_format(options), nn::replicated_storage, 64),
                          at::kFloat);
    };

    const Outcome outcome = load(weights::TensorStore::open(to), {.format = format, .stored = config.stored});

    const Outcome expected = load(folder.store, {.format = format, .skip = {"v_proj"}});
    EXPECT_THAT(outcome.hidden, fixture::bitwise_equal(expected.hidden));
    EXPECT_THAT(outcome.gradient, fixture::bitwise_equal(expected.gradient));
  }
  EXPECT_THAT(
      fixture::error_of(Fault::usage, [] { make_format({.format = NumberFormat::int8, .stored = NumberFormat::nf4}); }),
      testing::HasSubstr("set model.quantization.format: nf4"));
}

}  // namespace
}  // namespace pst::quant
