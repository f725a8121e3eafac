// SPDX-License-Identifier: Apache-2.0
#include "model/stored_matrices.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "nn/frozen_format.hpp"

namespace pst::model {

std::function<at::Tensor(const std::string&)> stored_matrices(families::ModelSpec spec,
                                                              std::shared_ptr<const weights::TensorStore> files) {
  return [spec = std::move(spec), files = std::move(files)](const std::string& layer) {
    const auto places = families::linears_of(spec);
    const auto place =
        std::find_if(places.begin(), places.end(), [&](const auto& each) { return each.spec->name == layer; });
    if (place == places.end()) throw Error(Fault::bug, cat("no linear layer is called ", layer));
    const families::LinearSpec& of = *place->spec;
    at::Tensor weight_oi = at::empty({of.out, of.in}, at::kFloat);
    nn::dense_format(Dtype::f32)
        ->pack({*files, of.name + ".weight", of.out, of.in, of.weight_place}, {}, 0, 0, weight_oi.nbytes(),
               static_cast<std::byte*>(weight_oi.mutable_data_ptr()));
    return weight_oi;
  };
}

}  // namespace pst::model
