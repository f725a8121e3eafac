// SPDX-License-Identifier: Apache-2.0
#include "gguf/import_model.hpp"

#include <array>
#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/view.hpp"
#include "families/folder.hpp"
#include "families/read_model.hpp"
#include "gguf/gguf_file.hpp"
#include "gguf/hugging_face.hpp"
#include "gguf/tokenizer_files.hpp"
#include "weights/part_folder.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::gguf {
namespace {

constexpr std::array kFiles = {"config.json",    "generation_config.json", "model.safetensors",
                               "tokenizer.json", "tokenizer_config.json",  "chat_template.jinja"};

/// The tensor's values in bf16, rows in Hugging Face's order. Goes row by row: the peak is one tensor.
void convert(const File& file, const Source& source, std::vector<bf16>& out) {
  const TensorInfo& tensor = *source.tensor;
  // A vector of biases is permuted like a column; everything else by whole rows.
  const bool permuted_vector = source.heads > 0 && tensor.shape.size() == 1;
  const std::int64_t columns = tensor.shape.back(), rows = tensor.count() / columns;
  const BlockShape block = shape_of(tensor.type);
  const auto row_bytes = static_cast<std::size_t>(columns / block.values * block.bytes);
  std::vector<float> values(static_cast<std::size_t>(columns));
  out.resize(static_cast<std::size_t>(tensor.count()));

  for (std::int64_t row = 0; row < rows; ++row) {
    const auto from = static_cast<std::size_t>(permuted_vector ? row : source_row(row, rows, source.heads));
    dequantize(tensor.type, tensor.bytes.subspan(from * row_bytes, row_bytes), values);
    bf16* const to = out.data() + row * columns;
    for (std::int64_t i = 0; i < columns; ++i) {
      const float value = values[static_cast<std::size_t>(permuted_vector ? source_row(i, columns, source.heads) : i)];
      if (!std::isfinite(value))
        throw Error(Fault::data,
                    cat(file.path().string(), ": tensor ", quoted(tensor.name),
                        " holds a value that is not finite, in row ", row),
                    "download the file again");
      to[i] = to_bf16(value);
    }
  }
}

void write_weights(const File& file, const std::vector<Source>& sources, const fs::path& path) {
  std::vector<weights::PlannedTensor> plan;
  for (const auto& source : sources) plan.push_back({source.target.name, "BF16", source.target.shape});
  weights::TensorWriter writer(path, plan);
  std::vector<bf16> values;
  for (const auto& source : sources) {
    convert(file, source, values);
    writer.add(std::as_bytes(std::span<const bf16>(values)));
  }
  writer.finish();
}

}  // namespace

void import_gguf(const fs::path& gguf, const fs::path& dir) {
  const fs::path target = (dir / "").parent_path();  // without a slash at the end: the part is to stand beside it
  doing(cat("importing ", gguf.string(), " into ", target.string()), [&] {
    weights::refuse_used_folder(target);
    const File file(gguf);
    const families::Family& family = family_of(file);
    const std::string config = config_json(file, family);
    const families::ModelSpec model = families::parse_model(config, "the config.json made of its metadata");
    const auto sources = sources_of(file, family, model);
    const TokenizerFiles tokenizer = tokenizer_files(file, model);

    weights::PartFolder part(target, {kFiles.begin(), kFiles.end()});
    write_durably(part.path() / "config.json", config);
    write_durably(part.path() / "generation_config.json", generation_config_json(model));
    write_durably(part.path() / "tokenizer.json", tokenizer.tokenizer_json);
    write_durably(part.path() / "tokenizer_config.json", tokenizer.tokenizer_config_json);
    if (tokenizer.chat_template) write_durably(part.path() / "chat_template.jinja", *tokenizer.chat_template);
    write_weights(file, sources, part.path() / "model.safetensors");
    families::check_model(part.path());
    file.check_whole();
    part.commit();
  });
}

}  // namespace pst::gguf
