// SPDX-License-Identifier: Apache-2.0
#include "quant/format.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "lowbit/quantise_folder.hpp"
#include "quant/fp8_linear.hpp"
#include "quant/int8_linear.hpp"
#include "quant/nf4_linear.hpp"
#include "weights/dtype.hpp"

namespace pst::quant {
namespace {

using weights::NumberFormat;

/// A number format's layer over the arrays that lowbit packs.
struct LayerRow {
  NumberFormat format;
  std::unique_ptr<nn::Linear> (*make)(const nn::MatrixSource& matrix, const std::vector<at::Tensor>& parts,
                                      std::optional<at::Tensor> bias, std::shared_ptr<Scratch> scratch);
};

template <class Layer>
std::unique_ptr<nn::Linear> layer(const nn::MatrixSource& matrix, const std::vector<at::Tensor>& parts,
                                  std::optional<at::Tensor> bias, std::shared_ptr<Scratch> scratch) {
  return std::make_unique<Layer>(matrix.out, matrix.in, parts, std::move(bias), std::move(scratch));
}

constexpr LayerRow kLayers[] = {
    {NumberFormat::nf4, layer<Nf4Linear>},
    {NumberFormat::int8, layer<Int8Linear>},
    {NumberFormat::fp8, layer<Fp8Linear>},
};

const LayerRow& layer_of(NumberFormat format) {
  const auto* const row = std::find_if(std::begin(kLayers), std::end(kLayers),
                                       [&](const LayerRow& known) { return known.format == format; });
  if (row == std::end(kLayers)) throw Error(Fault::bug, cat("number format ", name_of(format), " has no layer"));
  return *row;
}

/// Takes what lowbit makes of a matrix into nn's terms.
class QuantisedFormat final : public nn::FrozenFormat {
 public:
  explicit QuantisedFormat(const Options& options)
      : options_(options),
        layer_(layer_of(options.format)),
        codec_(lowbit::codec_of(options.format, options.scales, serial_cpu())),  // the storage shares the work
        dense_(nn::dense_format(options.compute, options.kept)),
        scratch_(std::make_shared<Scratch>()) {}

  std::vector<nn::Part> parts(const nn::MatrixSource& matrix) const override {
    if (stays_dense(matrix)) return dense_->parts(matrix);
    std::vector<nn::Part> parts;
    for (auto& array : codec_->arrays(of(matrix))) parts.push_back({array.suffix, array.dtype, std::move(array.shape)});
    return parts;
  }
  std::unique_ptr<nn::FrozenFormat> of_ends(Dtype compute) const override { return dense_->of_ends(compute); }
  std::int64_t statistics(const nn::MatrixSource& matrix) const override {
    return stays_dense(matrix) ? dense_->statistics(matrix) : codec_->statistics(of(matrix));
  }
  void collect(const nn::MatrixSource& matrix, std::int64_t begin, std::int64_t end, float* into) const override {
    codec_->collect(of(matrix), begin, end, into);
  }
  void pack(const nn::MatrixSource& matrix, std::span<const float> statistics, std::size_t part, std::size_t begin,
            std::size_t end, std::byte* into) const override {
    if (stays_dense(matrix)) return dense_->pack(matrix, statistics, part, begin, end, into);
    codec_->pack(of(matrix), statistics, part, begin, end, into);
  }
  std::unique_ptr<nn::Linear> make(const nn::MatrixSource& matrix, const std::vector<at::Tensor>& parts,
                                   std::optional<at::Tensor> bias) const override {
    if (stays_dense(matrix)) return dense_->make(matrix, parts, std::move(bias));
    return layer_.make(matrix, parts, std::move(bias), scratch_);
  }

 private:
  static lowbit::Matrix of(const nn::MatrixSource& matrix) {
    return {matrix.store, matrix.name, matrix.out, matrix.in};
  }
  bool stays_dense(const nn::MatrixSource& matrix) const {
    if (matrix.place) return true;  // as bitsandbytes leaves experts that lie in one tensor
    if (options_.stored != NumberFormat::none) return weights::is_floating(matrix.store.get(matrix.name).dtype);
    return lowbit::is_skipped(matrix.name, options_.skip);
  }

  Options options_;
  const LayerRow& layer_;
  std::unique_ptr<lowbit::Codec> codec_;
  std::unique_ptr<nn::FrozenFormat> dense_;
  std::shared_ptr<Scratch> scratch_;
};

}  // namespace

std::unique_ptr<nn::FrozenFormat> make_format(const Options& options) {
  lowbit::require_same_format(options.stored, options.format);
  if (options.format == NumberFormat::none) return nn::dense_format(options.compute, options.kept);
  return std::make_unique<QuantisedFormat>(options);
}

}  // namespace pst::quant
