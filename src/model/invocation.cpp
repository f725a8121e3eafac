// SPDX-License-Identifier: Apache-2.0
#include "model/invocation.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <limits>

namespace pst::model {

at::Tensor invoked_rows(const at::Tensor& ids, const at::Tensor& positions, const std::vector<std::int64_t>& tokens) {
  const std::int64_t rows = ids.size(0), length = std::ssize(tokens), places = rows - length + 1;
  const at::Tensor row = at::arange(rows, ids.options()), document = positions.eq(0).cumsum(0) - 1;
  at::Tensor last = at::full({rows}, -1, ids.options());  // by document: there are at most as many
  if (places > 0) {
    const auto from = [places](const at::Tensor& of, std::int64_t begin) { return of.narrow(0, begin, places); };
    at::Tensor begins = from(document, 0).eq(from(document, length - 1));
    for (std::int64_t i = 0; i < length; ++i)
      begins = begins.logical_and(from(ids, i).eq(tokens[static_cast<std::size_t>(i)]));
    last.scatter_reduce_(0, from(document, 0), at::where(begins, from(row, 0), -1), "amax");
  }
  const at::Tensor begin = last.index_select(0, document);
  return begin.ge(0).logical_and(row.ge(begin));
}

at::Tensor Invocation::active(const at::Tensor& ids, const at::Tensor& positions) const {
  return tokens_.empty() ? at::Tensor() : invoked_rows(ids, positions, tokens_).unsqueeze(1).to(compute_);
}

std::int64_t Invocation::active_from(std::span<const std::int32_t> prompt) const {
  if (tokens_.empty()) return 0;
  const auto at = std::find_end(prompt.begin(), prompt.end(), tokens_.begin(), tokens_.end());
  return at == prompt.end() ? std::numeric_limits<std::int64_t>::max() : at - prompt.begin();
}

at::Tensor Invocation::active_next(std::span<const nn::Continued> parts, at::Device device) const {
  if (tokens_.empty()) return {};
  std::vector<at::Tensor> of_parts;
  for (const auto& [sequence, fresh] : parts)
    of_parts.push_back(at::arange(sequence->rows, sequence->rows + fresh).ge(sequence->active_from));
  return at::cat(of_parts).unsqueeze(1).to(device, compute_);
}

}  // namespace pst::model
