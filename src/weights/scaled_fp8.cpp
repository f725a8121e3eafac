// SPDX-License-Identifier: Apache-2.0
#include "weights/scaled_fp8.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "weights/dtype.hpp"

namespace pst::weights {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(Fault::data, cat("tensor ", name, " ", what), "use the model's bf16 version");
}

}  // namespace

std::optional<StoredFp8> find_fp8(const TensorStore& store, const std::string& name, std::int64_t out,
                                  std::int64_t in) {
  const Tensor* const codes = store.find(name);
  if (!codes) refuse(name, "is missing");
  if (is_floating(codes->dtype)) return std::nullopt;
  const std::vector<std::int64_t> shape = {out, in};
  if (codes->dtype != "F8_E4M3" || codes->shape != shape)
    refuse(name, cat("is ", codes->dtype, " ", shape_text(codes->shape), "; a matrix of ", shape_text(shape),
                     " in 8-bit floats is F8_E4M3 of that shape"));
  if (store.find(name + "_scale_inv")) refuse(name, "has scales per block; supported is one per row");
  const Tensor* const scale = store.find(name + "_scale");
  if (!scale) refuse(name, cat("is F8_E4M3, but ", name, "_scale is missing"));
  if (!is_floating(scale->dtype) || (scale->count() != out && scale->count() != 1))
    refuse(scale->name, cat("is ", scale->dtype, " ", shape_text(scale->shape),
                            "; supported is one number for each of ", out, " rows, or one for all"));
  return StoredFp8{codes, scale};
}

std::vector<std::string> fp8_companions_of(const std::string& name) {
  const std::string layer = ends_with(name, ".weight") ? name.substr(0, name.size() - 7) : name;
  return {name + "_scale", layer + ".input_scale"};
}

}  // namespace pst::weights
