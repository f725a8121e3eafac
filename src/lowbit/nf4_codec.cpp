// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/nf4/nf4.hpp"
#include "lowbit/codec.hpp"
#include "weights/bitsandbytes.hpp"

namespace pst::lowbit {
namespace {

using kernels::blocks_of;
using kernels::kDoubleBlock;
using kernels::kNf4Block;

enum Part : std::size_t { codes, absmax, nested_absmax, nested_map, nested_offset };

constexpr std::int64_t kPieceValues = 1 << 16;  // what is converted to f32 at a time

void copy_bytes(const void* array, std::size_t begin, std::size_t end, std::byte* into) {
  std::memcpy(into, static_cast<const std::byte*>(array) + begin, end - begin);
}

std::vector<Array> arrays_of(std::int64_t out, std::int64_t in, Scales scales) {
  const std::int64_t blocks = blocks_of(out * in, kNf4Block);
  std::vector<Array> made = {{"", Dtype::u8, {(out * in + 1) / 2}}};
  if (scales == Scales::plain) {
    made.push_back({"absmax", Dtype::f32, {blocks}});
    return made;
  }
  made.push_back({"absmax", Dtype::u8, {blocks}});
  made.push_back({"nested_absmax", Dtype::f32, {blocks_of(blocks, kDoubleBlock)}});
  made.push_back({"nested_map", Dtype::f32, {256}});
  made.push_back({"nested_offset", Dtype::f32, {1}});
  return made;
}

std::string torch_name(const std::string& dtype) {
  return dtype == "BF16" ? "bfloat16" : dtype == "F16" ? "float16" : "float32";
}

class Nf4Codec final : public Codec {
 public:
  Nf4Codec(Scales scales, Exec on) : scales_(scales), on_(std::move(on)) {}

  std::vector<Array> arrays(const Matrix& matrix) const override {
    const auto stored = find(matrix);
    const Scales own = stored && stored->nested_scale != nullptr ? Scales::quantised : Scales::plain;
    return arrays_of(matrix.out, matrix.in, stored ? own : scales_);
  }

  std::int64_t statistics(const Matrix& matrix) const override {
    return find(matrix) ? 0 : blocks_of(matrix.count(), kNf4Block);
  }

  void collect(const Matrix& matrix, std::int64_t begin, std::int64_t end, float* into) const override {
    const weights::Tensor& tensor = matrix.store.get(matrix.name);
    std::vector<float> values(static_cast<std::size_t>(kPieceValues));
    for (std::int64_t block = begin; block < end;) {
      const std::int64_t stop = std::min(end, block + kPieceValues / kNf4Block), first = block * kNf4Block;
      const std::int64_t count = std::min(stop * kNf4Block, matrix.count()) - first;
      read_values(tensor, first, first + count, values.data());
      const std::span<float> found(into + (block - begin), static_cast<std::size_t>(stop - block));
      kernels::nf4_absmax(on_, {values.data(), count, Dtype::f32}, kNf4Block, view_of(found));
      if (!std::all_of(found.begin(), found.end(), [](float largest) { return std::isfinite(largest); }))
        require_finite(tensor, std::span(values).first(static_cast<std::size_t>(count)), first);
      block = stop;
    }
  }

  void pack(const Matrix& matrix, std::span<const float> statistics, std::size_t array, std::size_t begin,
            std::size_t end, std::byte* into) const override {
    if (const auto stored = find(matrix))
      pack_stored(*stored, array, begin, end, into);
    else if (array == codes)
      encode(matrix, statistics, begin, end, into);
    else if (scales_ == Scales::plain)
      copy_bytes(statistics.data(), begin, end, into);
    else
      pack_scales(statistics, array, begin, end, into);
  }

  std::vector<weights::PlannedTensor> stored_tensors(const Matrix& matrix) const override {
    const auto arrays = arrays_of(matrix.out, matrix.in, scales_);
    const std::string& name = matrix.name;
    std::vector<weights::PlannedTensor> tensors = {{name, "U8", {arrays[codes].shape[0], 1}},
                                                   {name + ".absmax", is_nested() ? "U8" : "F32", arrays[absmax].shape},
                                                   {name + ".quant_map", "F32", {16}}};
    if (is_nested()) {
      tensors.push_back({name + ".nested_absmax", "F32", arrays[nested_absmax].shape});
      tensors.push_back({name + ".nested_quant_map", "F32", {256}});
    }
    tensors.push_back({name + weights::kNf4State, "U8", {std::ssize(state_of(matrix, 0.0f))}});
    return tensors;
  }

  std::vector<Bytes> stored_bytes(const Matrix& matrix, std::vector<Bytes> arrays) const override {
    const auto bytes_of = [](const auto& values) {
      const auto bytes = std::as_bytes(std::span(values));
      return Bytes(bytes.begin(), bytes.end());
    };
    float offset = 0;
    if (is_nested()) {
      std::memcpy(&offset, arrays.at(nested_offset).data(), sizeof offset);
      arrays.resize(nested_offset);  // it is in the state
    }
    arrays.insert(arrays.begin() + 2, bytes_of(kernels::kNf4Levels));
    arrays.push_back(bytes_of(state_of(matrix, offset)));
    return arrays;
  }

 private:
  bool is_nested() const { return scales_ == Scales::quantised; }

  /// As long as a state can be: its offset is known only after the tensors are planned. JSON may end in spaces.
  std::string state_of(const Matrix& matrix, float offset) const {
    constexpr std::size_t kOffsetRoom = 24;
    const std::string dtype = torch_name(matrix.store.get(matrix.name).dtype);
    const auto text_with = [&](float value) {
      return weights::nf4_state_json(dtype, matrix.out, matrix.in, is_nested() ? std::optional(value) : std::nullopt);
    };
    const std::size_t room = text_with(0).size() + (is_nested() ? kOffsetRoom : 0);
    std::string text = text_with(offset);
    PST_ASSERT(text.size() <= room, "the shortest text of a double has at most 24 characters");
    text.append(room - text.size(), ' ');
    return text;
  }

  /// The matrix's parts in the file, its levels compared with NF4's.
  static std::optional<weights::StoredNf4> find(const Matrix& matrix) {
    auto stored = weights::find_nf4(matrix.store, matrix.name, matrix.out, matrix.in);
    if (stored && std::memcmp(stored->levels->bytes.data(), kernels::kNf4Levels.data(), 64) != 0)
      throw Error(Fault::data, cat("tensor ", stored->levels->name, " holds other levels than NF4's"),
                  "quantise the model again: `peft-studio model quantise`");
    return stored;
  }

  static void pack_stored(const weights::StoredNf4& stored, std::size_t array, std::size_t begin, std::size_t end,
                          std::byte* into) {
    const auto scales = [&](const weights::Tensor& tensor) {
      const std::int64_t first = static_cast<std::int64_t>(begin) / 4, last = (static_cast<std::int64_t>(end) + 3) / 4;
      std::vector<float> values(static_cast<std::size_t>(last - first));
      read_values(tensor, first, last, values.data());
      require_finite(tensor, values, first);
      copy_bytes(tensor.bytes.data(), begin, end, into);
    };
    switch (static_cast<Part>(array)) {
      case codes: return copy_bytes(stored.codes->bytes.data(), begin, end, into);
      case absmax:
        if (stored.nested_scale != nullptr) return copy_bytes(stored.absmax->bytes.data(), begin, end, into);
        return scales(*stored.absmax);
      case nested_absmax: return scales(*stored.nested_scale);
      case nested_map: return scales(*stored.nested_map);
      case nested_offset: return copy_bytes(&stored.nested_offset, begin, end, into);
    }
  }

  void encode(const Matrix& matrix, std::span<const float> statistics, std::size_t begin, std::size_t end,
              std::byte* into) const {
    const weights::Tensor& tensor = matrix.store.get(matrix.name);
    const std::int64_t last = std::min(2 * static_cast<std::int64_t>(end), matrix.count());
    std::vector<float> values(static_cast<std::size_t>(kPieceValues));
    for (std::int64_t first = 2 * static_cast<std::int64_t>(begin); first < last; first += kPieceValues) {
      const std::int64_t count = std::min(kPieceValues, last - first);
      read_values(tensor, first, first + count, values.data());
      kernels::nf4_encode(on_, {values.data(), count, Dtype::f32}, first, matrix.count(), const_view_of(statistics),
                          kNf4Block, {into + first / 2 - begin, (count + 1) / 2, Dtype::u8});
    }
  }

  void pack_scales(std::span<const float> plain, std::size_t array, std::size_t begin, std::size_t end,
                   std::byte* into) const {
    if (array == nested_map) return copy_bytes(kernels::dynamic_map().data(), begin, end, into);
    const float offset = kernels::absmax_mean(const_view_of(plain));
    if (array == nested_offset) return copy_bytes(&offset, begin, end, into);
    // Whole blocks of 256 around what is wanted: bytes are blocks' codes, or four bytes each their scales.
    const std::size_t scale_first = array == absmax ? begin / kDoubleBlock : begin / 4;
    const std::size_t scale_last = array == absmax ? (end + kDoubleBlock - 1) / kDoubleBlock : (end + 3) / 4;
    const std::size_t first = scale_first * kDoubleBlock, last = std::min(scale_last * kDoubleBlock, plain.size());
    std::vector<std::uint8_t> quantised(last - first);
    std::vector<float> scales(scale_last - scale_first);
    kernels::double_quantise(on_, const_view_of(plain.subspan(first, last - first)), {&offset, 1, Dtype::f32},
                             view_of(std::span(quantised)), view_of(std::span(scales)));
    if (array == absmax)
      copy_bytes(quantised.data(), begin - first, end - first, into);
    else
      copy_bytes(scales.data(), begin - 4 * scale_first, end - 4 * scale_first, into);
  }

  Scales scales_;
  Exec on_;
};

}  // namespace

std::unique_ptr<Codec> nf4_codec(Scales scales, Exec on) { return std::make_unique<Nf4Codec>(scales, std::move(on)); }

constinit const Packing kNf4 = {
    .format = weights::NumberFormat::nf4,
    .product = Product::numbers,
    .arrays = arrays_of,
    .scales_made = [](std::int64_t out, std::int64_t in,
                      Scales scales) { return scales == Scales::plain ? 0 : blocks_of(out * in, kNf4Block); },
    .codec = nf4_codec};

}  // namespace pst::lowbit
