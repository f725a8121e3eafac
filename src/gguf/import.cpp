#include "gguf/import.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/view.hpp"
#include "gguf/file.hpp"
#include "gguf/llama.hpp"
#include "gguf/tokenizer_files.hpp"
#include "weights/model_config.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::gguf {
namespace {

/// `<dir>.part`, held by one import at a time, and gone at the end unless it became `dir`.
class PartFolder {
 public:
  explicit PartFolder(const fs::path& dir) : dir_(dir), part_(dir.string() + ".part") {
    make_directories(part_);
    lock_ = ::open(part_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      if (lock_ >= 0) ::close(lock_);
      throw Error(Fault::usage, cat(part_.string(), " is being written by another import"),
                  "wait for it, or choose another folder");
    }
    try {
      remove_leftovers();
    } catch (...) {
      ::close(lock_);
      throw;
    }
  }
  ~PartFolder() {
    std::error_code ignored;
    if (!committed_) fs::remove_all(part_, ignored);
    ::close(lock_);
  }
  PartFolder(const PartFolder&) = delete;
  PartFolder& operator=(const PartFolder&) = delete;

  const fs::path& path() const { return part_; }
  void commit() {
    rename_durably(part_, dir_);
    committed_ = true;
  }

 private:
  /// A killed import leaves its files behind. Ours are known by name; anything else is somebody's and stays.
  void remove_leftovers() const {
    for (const auto& entry : fs::directory_iterator(part_)) {
      const std::string name = entry.path().filename().string();
      const std::string base = name.substr(0, name.find(".tmp."));
      bool ours = false;
      for (const char* known : {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                                "tokenizer_config.json", "chat_template.jinja"})
        ours = ours || base == known;
      if (!ours || !entry.is_regular_file())
        throw Error(Fault::usage, cat(entry.path().string(), " is in the way and was not written by an import"),
                    "move it away");
    }
    for (const auto& entry : fs::directory_iterator(part_)) fs::remove(entry.path());
  }

  fs::path dir_, part_;
  int lock_ = -1;
  bool committed_ = false;
};

void refuse_used_folder(const fs::path& dir) {
  std::error_code status;
  const auto kind = fs::symlink_status(dir, status).type();
  if (kind == fs::file_type::not_found) return;
  if (kind == fs::file_type::directory && fs::is_empty(dir, status) && !status) return;
  throw Error(Fault::usage,
              cat(dir.string(), " exists already", kind == fs::file_type::directory ? " and is not empty" : ""),
              "choose another folder, or remove it first");
}

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
  const fs::path target = (dir / "").parent_path();  // without a slash at the end: ".part" is to stand beside it
  doing(cat("importing ", gguf.string(), " into ", target.string()), [&] {
    refuse_used_folder(target);
    const File file(gguf);
    const weights::ModelConfig config = llama_config(file);
    const auto sources = llama_sources(file, config);
    const TokenizerFiles tokenizer = tokenizer_files(file, config);

    PartFolder part(target);
    write_durably(part.path() / "config.json", weights::model_config_json(config, "bfloat16"));
    write_durably(part.path() / "generation_config.json", weights::generation_config_json(config));
    write_durably(part.path() / "tokenizer.json", tokenizer.tokenizer_json);
    write_durably(part.path() / "tokenizer_config.json", tokenizer.tokenizer_config_json);
    if (tokenizer.chat_template) write_durably(part.path() / "chat_template.jinja", *tokenizer.chat_template);
    write_weights(file, sources, part.path() / "model.safetensors");
    weights::check_model(part.path());
    part.commit();
  });
}

}  // namespace pst::gguf
