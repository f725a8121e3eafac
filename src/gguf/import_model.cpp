// SPDX-License-Identifier: Apache-2.0
#include "gguf/import_model.hpp"

#include <array>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/view.hpp"
#include "families/folder.hpp"
#include "families/read_model.hpp"
#include "gguf/gguf_file.hpp"
#include "gguf/gguf_tensors.hpp"
#include "gguf/hugging_face.hpp"
#include "gguf/tokenizer_files.hpp"
#include "weights/part_folder.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::gguf {
namespace {

constexpr std::array kFiles = {"config.json",    "generation_config.json", "model.safetensors",
                               "tokenizer.json", "tokenizer_config.json",  "chat_template.jinja"};

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
