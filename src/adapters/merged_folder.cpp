// SPDX-License-Identifier: Apache-2.0
#include "adapters/merged_folder.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/folder.hpp"
#include "families/stored_names.hpp"
#include "json/parse.hpp"
#include "weights/dtype.hpp"
#include "weights/number_format.hpp"
#include "weights/part_folder.hpp"
#include "weights/safetensors.hpp"
#include "weights/stored_layout.hpp"
#include "weights/tensor_writer.hpp"
#include "weights/write_values.hpp"

namespace pst::adapters {
namespace {

using weights::PlannedTensor;
using weights::TensorStore;

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kOneFile = "model.safetensors";

Dtype dtype_named(const std::string& name) { return weights::Tensor{{}, name, {}, {}}.core_dtype(); }

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Values of a merge that lie in one stored tensor, from its value `first` on.
struct Edit {
  const MergedValues* values;
  std::int64_t first;
};

/// A tensor of `from` as its file has it.
struct Stored {
  weights::Tensor tensor;
  std::vector<Edit> edits;
  bool is_companion = false;              ///< of codes that become numbers: it is left out
  const MergedValues* numbers = nullptr;  ///< codes that become these numbers
};

bool holds_weights(const fs::path& path) {
  static const std::set<std::string> kEndings = {".safetensors", ".bin", ".pt",      ".pth",
                                                 ".gguf",        ".h5",  ".msgpack", ".onnx"};
  return kEndings.contains(path.extension().string()) || path.filename().string().ends_with(".index.json");
}

class Writer {
 public:
  explicit Writer(const Merge& merge)
      : merge_(merge), store_(TensorStore::open(merge.from, WhenCut::read_zeros)), files_(store_.files()) {
    for (const auto& tensor : store_.tensors()) stored_[tensor.name] = {tensor, {}, false, nullptr};
    families::take_spec_names(store_, merge.model);
    for (const auto& [name, stored] : stored_) by_address_[stored.tensor.bytes.data()] = name;
    dense_ = store_.get(merge.model.embedding + ".weight").dtype;
    for (const auto& values : merge.values) place(values);
    place_own_head();
  }

  Rounding write() {
    const fs::path target = (merge_.to / "").parent_path();
    weights::refuse_used_folder(target);
    std::set<std::string> names = {"config.json", kIndex};
    const auto others = other_files();
    for (const auto& file : others) names.insert(file.filename().string());
    for (const auto& file : files_) names.insert(file.filename().string());
    weights::PartFolder part(target, names);
    write_durably(part.path() / "config.json", config());
    for (const auto& file : others) write_durably(part.path() / file.filename(), read_file(file));
    for (const auto& file : files_) write_file(file, part.path() / file.filename());
    if (files_.size() > 1 || files_.front().filename() != kOneFile) write_index(part.path() / kIndex);
    families::check_model(part.path());
    store_.check_whole();
    part.commit();
    return rounding_;
  }

 private:
  /// The tensor of a file that holds a tensor of the spec, and how many bytes behind its beginning.
  std::pair<Stored*, std::int64_t> stored_with(const weights::Tensor& tensor) {
    auto after = by_address_.upper_bound(tensor.bytes.data());
    PST_ASSERT(after != by_address_.begin(), "a tensor of the spec lies in one of a file");
    --after;
    return {&stored_.at(after->second), tensor.bytes.data() - after->first};
  }

  void place(const MergedValues& values) {
    const weights::Tensor& tensor = store_.get(values.place.tensor);
    const auto [stored, begin] = stored_with(tensor);
    if (!values.place.exponents.empty())
      throw Error(Fault::data, cat(values.name, " is stored as MXFP4 codes, and cannot be merged into"),
                  "use the model's bf16 version");
    if (const auto* const layout = weights::row_of(merge_.model.stored).stored;
        layout && layout->holds(store_, values.name, values.out, values.in)) {
      stored->numbers = &values;
      for (const auto& name : layout->companions(values.name))
        if (const auto* const companion = store_.find(name)) stored_with(*companion).first->is_companion = true;
      return;
    }
    if (!weights::is_floating(tensor.dtype))
      throw Error(Fault::data,
                  cat("tensor '", tensor.name, "' has dtype ", tensor.dtype, ", and cannot be merged into"));
    stored->edits.push_back({&values, begin / *weights::bytes_per_value(tensor.dtype)});
  }

  /// Behind the embedding; where files have a copy of that in the head's name, there.
  void place_own_head() {
    const auto* const copy = merge_.model.tied_head ? store_.find(merge_.model.head.name + ".weight") : nullptr;
    if (copy && !merge_.own_head)
      for (const auto& values : merge_.values)
        if (values.name == merge_.model.embedding + ".weight") stored_with(*copy).first->edits.push_back({&values, 0});
    if (copy && merge_.own_head) stored_with(*copy).first->edits.push_back({&*merge_.own_head, 0});
    if (copy || !merge_.own_head) return;
    embedding_ = stored_with(store_.get(merge_.model.embedding + ".weight")).first->tensor.name;
    head_ = merge_.own_head->name;
    for (const auto& [from, to] : merge_.model.renamed)  // as the files spell it
      if (head_.starts_with(to)) {
        head_.replace(0, to.size(), from);
        break;
      }
  }

  std::vector<fs::path> other_files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(merge_.from))
      if (entry.is_regular_file() && !holds_weights(entry.path()) && entry.path().filename() != "config.json")
        files.push_back(entry.path());
    return files;
  }

  std::string config() const {
    const std::string text = read_file(merge_.from / "config.json");
    const bool dense = merge_.model.stored != weights::NumberFormat::none;
    if (!merge_.own_head && !dense) return text;
    auto config = json::parse_ordered(text, "config.json");
    if (dense) config.erase("quantization_config");
    if (merge_.own_head) {
      config["tie_word_embeddings"] = false;
      if (const auto inner = config.find("text_config"); inner != config.end() && inner->is_object())
        (*inner)["tie_word_embeddings"] = false;
    }
    return config.dump(2) + "\n";
  }

  /// The tensors of one of the files, in its order.
  std::vector<const Stored*> in_file(const fs::path& file) const {
    const TensorStore alone = TensorStore::open(file, WhenCut::read_zeros);
    std::vector<const Stored*> all;
    for (const auto& tensor : alone.tensors()) all.push_back(&stored_.at(tensor.name));
    std::stable_sort(all.begin(), all.end(), [](const Stored* a, const Stored* b) {
      return std::less<>()(a->tensor.bytes.data(), b->tensor.bytes.data());
    });
    return all;
  }

  void write_file(const fs::path& file, const fs::path& to) {
    const std::vector<const Stored*> tensors = in_file(file);
    std::vector<PlannedTensor> plan;
    for (const Stored* const stored : tensors) {
      const auto& tensor = stored->tensor;
      if (stored->is_companion) continue;
      plan.push_back(stored->numbers ? PlannedTensor{tensor.name, dense_, {stored->numbers->out, stored->numbers->in}}
                                     : PlannedTensor{tensor.name, tensor.dtype, tensor.shape});
      if (tensor.name == embedding_) plan.push_back({head_, dense_, {merge_.own_head->out, merge_.own_head->in}});
    }
    for (const auto& tensor : plan) {
      weight_map_[tensor.name] = to.filename().string();
      total_bytes_ += *weights::checked_bytes(tensor.shape, *weights::bytes_per_value(tensor.dtype));
    }
    auto metadata = TensorStore::open(file, WhenCut::read_zeros).metadata();
    weights::TensorWriter writer(to, plan, metadata);
    for (const Stored* const stored : tensors) {
      if (stored->is_companion) continue;
      add(writer, *stored);
      if (stored->tensor.name == embedding_) add_numbers(writer, *merge_.own_head);
    }
    writer.finish();
  }

  void add(weights::TensorWriter& writer, const Stored& stored) {
    const auto& tensor = stored.tensor;
    if (stored.numbers) return add_numbers(writer, *stored.numbers);
    if (stored.edits.empty()) return writer.add(tensor.bytes);
    std::vector<std::byte> bytes(tensor.bytes.begin(), tensor.bytes.end());
    for (const Edit& edit : stored.edits) {
      const MergedValues& values = *edit.values;
      const auto& place = values.place;
      const Dtype dtype = tensor.core_dtype();
      const std::vector<float> merged = values.merged(), base = values.base ? values.base() : std::vector<float>();
      PST_ASSERT(std::ssize(merged) == values.out * values.in, "a matrix has as many values as its sides say");
      const std::int64_t last =
          edit.first + place.first + (values.out - 1) * place.out_step + (values.in - 1) * place.in_step;
      PST_ASSERT(last < tensor.count(), "the model was loaded from these places");
      for (std::int64_t o = 0; o < values.out; ++o)
        for (std::int64_t i = 0; i < values.in; ++i) {
          const std::size_t index = at(edit.first + place.first + o * place.out_step + i * place.in_step);
          const std::size_t j = at(o * values.in + i);
          const float before = base.empty() ? weights::value_at(tensor.bytes.data(), dtype, index) : base[j];
          put(bytes, dtype, index, before, merged[j]);
        }
    }
    writer.add(bytes);
  }

  void add_numbers(weights::TensorWriter& writer, const MergedValues& values) {
    const Dtype dtype = dtype_named(dense_);
    const std::vector<float> merged = values.merged(), base = values.base ? values.base() : merged;
    std::vector<std::byte> bytes(at(values.out * values.in * *weights::bytes_per_value(dense_)));
    for (std::size_t i = 0; i < merged.size(); ++i) put(bytes, dtype, i, base[i], merged[i]);
    writer.add(bytes);
  }

  void put(std::vector<std::byte>& bytes, Dtype dtype, std::size_t index, float before, float after) {
    weights::set_value(bytes.data(), dtype, index, before);
    const float rounded_before = weights::value_at(bytes.data(), dtype, index);
    weights::set_value(bytes.data(), dtype, index, after);
    if (before == after) return;
    const float rounded_after = weights::value_at(bytes.data(), dtype, index);
    const double update = static_cast<double>(after) - before;
    const double missing = static_cast<double>(rounded_after) - rounded_before - update;
    ++rounding_.updated;
    if (rounded_after == rounded_before) ++rounding_.lost;
    rounding_.update_squares += update * update;
    rounding_.lost_squares += missing * missing;
  }

  void write_index(const fs::path& path) const {
    json::Ordered index;
    index["metadata"]["total_size"] = total_bytes_;
    index["weight_map"] = weight_map_;
    write_durably(path, index.dump(2) + "\n");
  }

  const Merge& merge_;
  TensorStore store_;
  std::vector<fs::path> files_;
  std::map<std::string, Stored> stored_;  // by the files' names
  std::map<const std::byte*, std::string> by_address_;
  std::string dense_;             // dtype of what was codes, and of a head that is new
  std::string embedding_, head_;  // where a new tensor goes, and its name
  std::map<std::string, std::string> weight_map_;
  std::int64_t total_bytes_ = 0;
  Rounding rounding_;
};

}  // namespace

MergedValues whole(const std::string& name, std::int64_t out, std::int64_t in) {
  return {.name = name, .place = {.tensor = name, .out_step = in, .exponents = {}}, .out = out, .in = in, .merged = {}};
}

Rounding write_merged_folder(const Merge& merge) {
  return doing(cat("writing the merged model ", merge.to.string()), [&] { return Writer(merge).write(); });
}

}  // namespace pst::adapters
