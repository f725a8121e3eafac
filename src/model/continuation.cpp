// SPDX-License-Identifier: Apache-2.0
#include "model/continuation.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include <algorithm>

#include "core/error.hpp"
#include "model/rope_table.hpp"

namespace pst::model {

Continuation continue_in(nn::KvPages& pages, std::span<const nn::Continued> parts, std::int64_t virtual_tokens,
                         std::int64_t positions) {
  Continuation to{.rows = {}, .sequences = {}, .pages = &pages};
  std::int64_t first = 0;
  for (const auto& [sequence, fresh] : parts) {
    const std::int64_t count = fresh + (sequence->rows == 0 ? virtual_tokens : 0), end = sequence->rows + count;
    PST_ASSERT(end <= positions, "the caller keeps a sequence within the positions it asked for");
    pages.take(*sequence, end);
    to.rows.push_back({.first = first, .count = count, .position = sequence->rows, .pages = sequence->pages});
    to.sequences.push_back(sequence);
    first += count;
  }
  return to;
}

Rows rows_of(const Continuation& to, const families::ModelSpec& spec, std::int64_t positions, at::Device device) {
  const auto ints = at::TensorOptions().dtype(at::kInt).device(device);
  std::vector<at::Tensor> of_sequences;
  for (const ops::PagedRows& of : to.rows)
    of_sequences.push_back(at::arange(of.position, of.position + of.count, ints));
  Rows rows{.documents = {.positions = at::cat(of_sequences)}, .continued = &to};
  for (const families::RopeSpec& rope : spec.ropes) {
    std::vector<at::Tensor> angles;
    for (std::size_t i = 0; i < to.rows.size(); ++i) {
      const std::int64_t longest = std::max(to.rows[i].position + to.rows[i].count, to.sequences[i]->longest);
      angles.push_back(of_sequences[i] + first_row(rope, longest, positions));
    }
    rows.angles.push_back(at::cat(angles));
  }
  return rows;
}

std::int64_t kind_of_length(const families::ModelSpec& spec, std::int64_t longest, std::int64_t positions) {
  std::int64_t kind = 0;
  for (const families::RopeSpec& rope : spec.ropes) kind = 2 * kind + (first_row(rope, longest, positions) > 0 ? 1 : 0);
  return kind;
}

void write_virtual_keys(const nn::VirtualKeys& keys, const std::vector<ops::Heads>& heads,
                        std::span<const nn::Continued> parts, nn::KvPages& pages) {
  for (const nn::Continued& part : parts) {
    nn::Sequence& sequence = *part.sequence;
    if (sequence.rows > 0) continue;
    pages.take(sequence, keys.count());
    const std::vector<ops::PagedRows> rows{{.count = keys.count(), .pages = sequence.pages}};
    for (std::size_t layer = 0; layer < heads.size(); ++layer) {
      const auto [k, v] = keys.of(layer);
      ops::write_pages(k, v, heads[layer], rows, pages.keys(layer), pages.values(layer));
    }
    sequence.rows = keys.count();
  }
}

at::Tensor behind_virtual_tokens(const at::Tensor& x_nd, const Continuation& to, const nn::VirtualTokens& tokens) {
  std::vector<at::Tensor> parts;
  std::int64_t begin = 0;
  for (const ops::PagedRows& of : to.rows) {
    const std::int64_t before = of.position == 0 ? tokens.count() : 0;
    if (before > 0) parts.push_back(tokens.rows());
    parts.push_back(x_nd.narrow(0, begin, of.count - before));
    begin += of.count - before;
  }
  return at::cat(parts);
}

at::Tensor seen(const at::Tensor& hidden_nd, const Continuation& to, std::span<const nn::Continued> parts) {
  std::vector<at::Tensor> of_tokens;
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const ops::PagedRows& of = to.rows[i];
    of_tokens.push_back(hidden_nd.narrow(0, of.first + of.count - parts[i].rows, parts[i].rows));
    parts[i].sequence->rows += of.count;
    tokens += parts[i].rows;
  }
  return hidden_nd.size(0) == tokens ? hidden_nd : at::cat(of_tokens);
}

}  // namespace pst::model
