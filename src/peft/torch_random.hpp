// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pst::peft {

/// torch.Generator("cpu").manual_seed(seed): the numbers from which PEFT makes projections that it need not save.
at::Generator torch_generator(std::uint64_t seed);

/// The next values of `generator` as PEFT's VeRA and its kin draw a matrix: uniform in +-sqrt(6 / columns).
at::Tensor kaiming_uniform(std::int64_t rows, std::int64_t columns, at::Generator& generator);

/// `count` of the numbers below `places`, each once, in the order in which PEFT draws them: int64.
at::Tensor random_places(std::int64_t places, std::int64_t count, std::uint64_t seed);

}  // namespace pst::peft
