// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/spec.hpp"
#include "weights/safetensors.hpp"

namespace pst::families {

/// Gives the tensors of a model's files the names that its spec has, and cuts those that hold several of the spec's.
/// Their bytes stay where they are. @throws as weights::TensorStore::rename() and cut()
void take_spec_names(weights::TensorStore& store, const ModelSpec& model);

}  // namespace pst::families
