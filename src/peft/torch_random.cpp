// SPDX-License-Identifier: Apache-2.0
#include "peft/torch_random.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randperm.h>

#include <cmath>

namespace pst::peft {

at::Generator torch_generator(std::uint64_t seed) { return at::make_generator<at::CPUGeneratorImpl>(seed); }

at::Tensor kaiming_uniform(std::int64_t rows, std::int64_t columns, at::Generator& generator) {
  const double deviation = std::sqrt(2.0) / std::sqrt(static_cast<double>(columns)), bound = std::sqrt(3.0) * deviation;
  return at::empty({rows, columns}, at::kFloat).uniform_(-bound, bound, generator);
}

at::Tensor random_places(std::int64_t places, std::int64_t count, std::uint64_t seed) {
  at::Generator numbers = torch_generator(seed);
  return at::randperm(places, numbers, at::kLong).narrow(0, 0, count).clone();
}

}  // namespace pst::peft
