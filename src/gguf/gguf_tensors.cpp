// SPDX-License-Identifier: Apache-2.0
#include "gguf/gguf_tensors.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "gguf/gguf_rope.hpp"

namespace pst::gguf {
namespace {

using families::GgufPart;
using families::GgufRows;

[[noreturn]] void refuse(const File& file, const std::string& reason, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(file.path().string(), ": ", reason), remedy);
}

std::string shown(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const auto size : shape) sizes.push_back(std::to_string(size));
  return cat("[", join(sizes, ", "), "]");
}

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// What the file calls a tensor.
struct Named {
  std::string name, second;
  const GgufPart* part = nullptr;  ///< nullptr: it belongs to no layer
  std::int64_t member = -1;
};

/// `name` without what stands before and after the "*" of `pattern`, as a number; -1 for a pattern without "*" that is
/// the name.
std::optional<std::int64_t> matched(std::string_view name, std::string_view pattern) {
  const auto star = pattern.find('*');
  if (star == pattern.npos) return name == pattern ? std::optional<std::int64_t>(-1) : std::nullopt;
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (name.size() <= before.size() + after.size() || !name.starts_with(before) || !name.ends_with(after))
    return std::nullopt;
  return number_in(name.substr(before.size(), name.size() - before.size() - after.size()));
}

/// Of a tensor of a layer: "model.layers.3.self_attn.q_proj.weight".
std::optional<Named> named_in_layer(const std::string& name, const families::GgufNames& names) {
  std::size_t begin = 0;
  std::optional<std::int64_t> layer;
  std::string rest;
  for (auto dot = name.find('.'); dot != name.npos && !layer; dot = name.find('.', begin)) {
    layer = number_in(std::string_view(name).substr(begin, dot - begin));
    begin = dot + 1;
    rest = name.substr(begin);
  }
  if (!layer) return std::nullopt;
  const std::string prefix = cat("blk.", *layer, ".");
  const auto dot = rest.rfind('.');
  const std::string module = rest.substr(0, dot), kind = dot == rest.npos ? std::string() : rest.substr(dot);
  for (const GgufPart& part : names.layer_parts) {
    const auto whole = matched(rest, part.ours), of_module = matched(module, part.ours);
    if (!whole && !of_module) continue;
    const std::string end = whole ? std::string() : kind;
    return Named{cat(prefix, part.theirs, end), part.second.empty() ? std::string() : cat(prefix, part.second, end),
                 &part, whole ? *whole : *of_module};
  }
  return std::nullopt;
}

std::optional<Named> find_named(const std::string& name, const families::GgufNames& names,
                                const families::ModelSpec& model) {
  const auto dot = name.rfind('.');
  const std::string module = name.substr(0, dot), kind = name.substr(dot);
  const auto outside = [&](const char* theirs) { return Named{theirs + kind, {}, nullptr, -1}; };
  if (module == model.embedding) return outside("token_embd");
  if (model.embedding_norm && module == model.embedding_norm->name) return outside("token_embd_norm");
  if (model.position_table && module == model.position_table->name) return outside("position_embd");
  if (model.final_norm && module == model.final_norm->name) return outside("output_norm");
  if (module == model.head.name) return outside("output");
  return named_in_layer(name, names);
}

Named named(const std::string& name, const families::GgufNames& names, const families::ModelSpec& model) {
  if (auto found = find_named(name, names, model)) return *std::move(found);
  throw Error(Fault::bug, cat("a tensor of the model has no name in GGUF: ", name));
}

/// What norms add to their stored weights, by the weights' names: the converter adds it too.
std::map<std::string, double> norm_offsets(const families::ModelSpec& model) {
  std::map<std::string, double> offsets;
  const auto add = [&](const std::optional<families::NormSpec>& norm) {
    if (norm && norm->offset != 0) offsets[norm->name + ".weight"] = norm->offset;
  };
  add(model.embedding_norm);
  for (const families::LayerSpec& layer : model.layers)
    for (const auto* const norm : {&layer.attention_norm, &layer.mlp_norm, &layer.attention_out_norm,
                                   &layer.mlp_out_norm, &layer.attention.q_norm, &layer.attention.k_norm})
      add(*norm);
  add(model.final_norm);
  return offsets;
}

/// Heads whose rows are reordered in a tensor, by the module's name.
std::map<std::string, std::int64_t> heads_of(const families::ModelSpec& model) {
  std::map<std::string, std::int64_t> heads;
  for (const families::LayerSpec& layer : model.layers)
    for (std::size_t i = 0; i < layer.attention.inputs.size(); ++i)
      heads[layer.attention.inputs[i].name] = i == 0 ? layer.attention.query_heads : layer.attention.key_value_heads;
  return heads;
}

/// Whether the last dimension is that of rows, because each has a single value.
bool is_vector(const Source& source) { return source.target.name.ends_with("bias"); }

/// Of each piece, without the number of matrices before it where the target is one of them.
std::vector<std::int64_t> piece_shape(const Source& source) {
  std::vector<std::int64_t> shape = source.target.shape;
  if (source.rows == GgufRows::columns && !is_vector(source)) std::swap(shape[shape.size() - 2], shape.back());
  const std::size_t rows = is_vector(source) ? shape.size() - 1 : shape.size() < 2 ? 0 : shape.size() - 2;
  shape[rows] /= static_cast<std::int64_t>(source.pieces.size());
  return shape;
}

/// The converter leaves out dimensions of 1.
std::vector<std::int64_t> without_ones(std::vector<std::int64_t> shape) {
  std::erase(shape, 1);
  return shape;
}

/// @return how many matrices there are, where the target is one of several
std::int64_t check_shape(const File& file, const Source& source, const TensorInfo& tensor) {
  std::vector<std::int64_t> want = piece_shape(source);
  std::int64_t size = 1, stacked = 1;
  for (const auto dimension : want) size *= dimension;
  if (source.member >= 0) {
    stacked = std::max<std::int64_t>(tensor.count() / size, 1);
    want.insert(want.begin(), stacked);
  }
  if (without_ones(tensor.shape) != without_ones(want) || tensor.shape.back() != want.back())
    refuse(file, cat("tensor ", tensor.name, " is ", shown(tensor.shape), ", but the metadata make it ", shown(want)));
  return stacked;
}

void add_piece(const File& file, Source& source, const std::string& name) {
  const TensorInfo* const tensor = file.find_tensor(name);
  if (!tensor) refuse(file, cat("tensor ", name, " is missing"), "take a complete GGUF of the model");
  source.pieces.push_back({tensor, 0, 1});
}

Source source_of(const File& file, families::TensorSpec target, const Named& named) {
  Source source{.target = std::move(target), .member = named.member};
  if (named.part) source.rows = named.part->rows;
  add_piece(file, source, named.name);
  if (named.second.empty()) return source;
  add_piece(file, source, named.second);
  const auto shape = piece_shape(source);
  const std::int64_t half = is_vector(source) ? shape.back() : shape[shape.size() - 2];
  const bool alternating = named.part->alternating;
  for (std::int64_t i = 0; i < 2; ++i) {
    auto& piece = source.pieces[static_cast<std::size_t>(i)];
    piece.first = alternating ? i : i * half;
    piece.step = alternating ? 2 : 1;
  }
  return source;
}

/// One row of the file in bf16. @throws Error(data) for a value that is not finite
class Rows {
 public:
  Rows(const File& file, const TensorInfo& tensor, double offset)
      : file_(file),
        tensor_(tensor),
        offset_(static_cast<float>(offset)),
        values_(static_cast<std::size_t>(tensor.shape.back())) {
    const BlockShape block = shape_of(tensor.type);
    row_bytes_ = static_cast<std::size_t>(tensor.shape.back() / block.values * block.bytes);
  }
  std::span<const float> read(std::int64_t row) {
    dequantize(tensor_.type, tensor_.bytes.subspan(static_cast<std::size_t>(row) * row_bytes_, row_bytes_), values_);
    for (float& value : values_) {
      if (offset_ != 0) value -= offset_;
      if (!std::isfinite(value))
        refuse(file_, cat("tensor ", quoted(tensor_.name), " holds a value that is not finite, in row ", row),
               "download the file again");
    }
    return values_;
  }

 private:
  const File& file_;
  const TensorInfo& tensor_;
  float offset_ = 0;
  std::size_t row_bytes_ = 0;
  std::vector<float> values_;
};

/// Writes a piece's rows where they belong in `out`, which holds the target's matrices, one behind the other.
void convert_piece(const File& file, const Source& source, const Source::Piece& piece, std::vector<bf16>& out) {
  const auto& shape = source.target.shape;
  const auto sizes = piece_shape(source);
  const bool vector = is_vector(source), turned = source.rows == GgufRows::columns && !vector;
  const std::int64_t rows = vector ? sizes.back() : sizes.size() < 2 ? 1 : sizes[sizes.size() - 2];
  const std::int64_t columns = vector ? 1 : shape.back();  // of the target
  std::int64_t matrices = 1;
  for (std::size_t i = 0; i + (vector ? 1 : 2) < shape.size(); ++i) matrices *= shape[i];
  const auto matrix_size = static_cast<std::int64_t>(out.size()) / matrices;
  const auto target_of = [&](std::int64_t row) {
    return piece.first + piece.step * target_row(row, rows, source.rows, source.heads);
  };

  Rows stored(file, *piece.tensor, source.offset);
  const std::int64_t reads = vector ? matrices : matrices * rows;
  const std::int64_t first = source.member < 0 ? 0 : source.member * reads;
  for (std::int64_t read = 0; read < reads; ++read) {
    const auto values = stored.read(first + read);
    bf16* const matrix = out.data() + (vector ? read : read / rows) * matrix_size;
    const std::int64_t to = vector ? 0 : target_of(read % rows);
    for (std::int64_t i = 0; i < std::ssize(values); ++i) {
      const std::int64_t at = vector ? target_of(i) : turned ? i * columns + to : to * columns + i;
      matrix[at] = to_bf16(values[static_cast<std::size_t>(i)]);
    }
  }
}

}  // namespace

std::vector<Source> sources_of(const File& file, const families::Family& family, const families::ModelSpec& model) {
  std::vector<Source> sources;
  std::set<std::string, std::less<>> used(std::begin(kRopeTensors), std::end(kRopeTensors));  // told by the config
  std::map<const TensorInfo*, std::pair<std::int64_t, std::int64_t>> members;  // that there are, that are used
  const auto offsets = norm_offsets(model);
  const auto heads = heads_of(model);
  for (auto& target : families::tensors_of(model)) {
    const std::string name = target.name;
    Source source = source_of(file, std::move(target), named(name, *family.gguf, model));
    if (const auto offset = offsets.find(name); offset != offsets.end()) source.offset = offset->second;
    if (const auto found = heads.find(name.substr(0, name.rfind('.'))); found != heads.end())
      source.heads = found->second;
    for (const auto& piece : source.pieces) {
      const std::int64_t stacked = check_shape(file, source, *piece.tensor);
      used.insert(piece.tensor->name);
      if (source.member < 0) continue;
      auto& [there, taken] = members[piece.tensor];
      there = stacked;
      ++taken;
    }
    sources.push_back(std::move(source));
  }
  for (const auto& [tensor, count] : members)
    if (count.first != count.second)
      refuse(file,
             cat("tensor ", tensor->name, " has ", count.first, " matrices, but the metadata make it ", count.second));
  for (const auto& tensor : file.tensors())
    if (!used.contains(tensor.name))
      refuse(file, cat("tensor ", quoted(tensor.name), " does not belong to a ", family.model_type, " model"));
  return sources;
}

std::optional<StoredMatrix> matrix_in_gguf(const std::string& name, const families::Family& family,
                                           const families::ModelSpec& model) {
  const auto found = find_named(name, *family.gguf, model);
  if (!found) return std::nullopt;
  StoredMatrix matrix{.tensors = {found->name}, .one_of_several = found->member >= 0};
  if (!found->second.empty()) matrix.tensors.push_back(found->second);
  if (!found->part) return matrix;
  matrix.alternating = found->part->alternating;
  matrix.rows = found->part->rows;
  const auto heads = heads_of(model);
  if (const auto of = heads.find(name.substr(0, name.rfind('.'))); of != heads.end()) matrix.heads = of->second;
  return matrix;
}

std::int64_t target_row(std::int64_t row, std::int64_t rows, GgufRows order, std::int64_t heads) {
  if (order == GgufRows::pairs) {
    const std::int64_t size = rows / heads, head = row / size, pair = row % size / 2, half = row % size % 2;
    return head * size + half * (size / 2) + pair;
  }
  if (order == GgufRows::thirds) {
    const std::int64_t third = rows / 3, size = third / heads;
    const std::int64_t part = row / third, head = row % third / size, within = row % size;
    return (head * 3 + part) * size + within;
  }
  return row;
}

void convert(const File& file, const Source& source, std::vector<bf16>& out) {
  std::int64_t count = 1;
  for (const auto size : source.target.shape) count *= size;
  out.resize(static_cast<std::size_t>(count));
  for (const auto& piece : source.pieces) convert_piece(file, source, piece, out);
}

}  // namespace pst::gguf
