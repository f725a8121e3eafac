// SPDX-License-Identifier: Apache-2.0
#include "lowbit/quantise_folder.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/folder.hpp"
#include "families/read_model.hpp"
#include "weights/part_folder.hpp"
#include "weights/quantised_config.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::lowbit {
namespace {

using weights::NumberFormat;
using weights::PlannedTensor;

constexpr std::size_t kPieceBytes = 1 << 20;  // even for every dtype

/// Calls body(begin, end) for pieces of [0, size), several at once.
void in_threads(int threads, std::size_t size, const std::function<void(std::size_t, std::size_t)>& body) {
  const std::size_t pieces = (size + kPieceBytes - 1) / kPieceBytes;
  const std::size_t workers = std::min(static_cast<std::size_t>(std::max(1, threads)), pieces);
  const auto work = [&](std::size_t worker) {
    for (std::size_t piece = worker; piece < pieces; piece += workers)
      body(piece * kPieceBytes, std::min(size, (piece + 1) * kPieceBytes));
  };
  std::vector<std::future<void>> others;
  for (std::size_t worker = 1; worker < workers; ++worker)
    others.push_back(std::async(std::launch::async, work, worker));
  if (pieces > 0) work(0);
  for (auto& other : others) other.get();
}

/// The arrays of one matrix, whole.
std::vector<Bytes> packed(const Codec& codec, const Matrix& matrix, int threads) {
  std::vector<float> statistics(static_cast<std::size_t>(codec.statistics(matrix)));
  in_threads(threads, statistics.size() * sizeof(float), [&](std::size_t begin, std::size_t end) {
    codec.collect(matrix, static_cast<std::int64_t>(begin / 4), static_cast<std::int64_t>(end / 4),
                  statistics.data() + begin / 4);
  });
  std::vector<Bytes> made;
  for (const auto& array : codec.arrays(matrix)) {
    made.emplace_back(array.bytes());
    in_threads(threads, made.back().size(), [&](std::size_t begin, std::size_t end) {
      codec.pack(matrix, statistics, made.size() - 1, begin, end, made.back().data() + begin);
    });
  }
  return made;
}

class FolderWriter {
 public:
  FolderWriter(const families::ModelSpec& model, const weights::TensorStore& store, const QuantiseOptions& options)
      : matrices_(families::layer_matrices(model)),
        store_(store),
        options_(options),
        codec_(codec_of(options.format, options.scales, serial_cpu())) {}

  void write(const fs::path& path) const {
    std::vector<PlannedTensor> plan;
    for (const auto& tensor : store_.tensors()) {
      if (!is_chosen(tensor.name)) {
        plan.push_back({tensor.name, tensor.dtype, tensor.shape});
        continue;
      }
      for (auto& stored : codec_->stored_tensors(matrix_of(tensor))) plan.push_back(std::move(stored));
    }
    weights::TensorWriter writer(path, plan);
    for (const auto& tensor : store_.tensors()) {
      if (!is_chosen(tensor.name)) {
        writer.add(tensor.bytes);
        continue;
      }
      const Matrix matrix = matrix_of(tensor);
      for (const auto& bytes : codec_->stored_bytes(matrix, packed(*codec_, matrix, options_.threads)))
        writer.add(bytes);
    }
    writer.finish();
  }

 private:
  bool is_chosen(const std::string& name) const { return matrices_.contains(name) && !is_skipped(name, options_.skip); }
  Matrix matrix_of(const weights::Tensor& tensor) const {
    return {store_, tensor.name, tensor.shape.at(0), tensor.shape.at(1)};
  }

  std::set<std::string, std::less<>> matrices_;
  const weights::TensorStore& store_;
  const QuantiseOptions& options_;
  std::unique_ptr<Codec> codec_;
};

bool holds_weights(const fs::path& path) {
  return path.extension() == ".safetensors" || path.filename().string().ends_with(".safetensors.index.json");
}

/// Files beside the weights, which are taken over as they are.
std::vector<fs::path> other_files(const fs::path& from) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(from))
    if (entry.is_regular_file() && !holds_weights(entry.path()) && entry.path().filename() != "config.json")
      files.push_back(entry.path());
  return files;
}

}  // namespace

void require_same_format(NumberFormat stored, NumberFormat wanted) {
  if (stored == NumberFormat::none || stored == wanted) return;
  throw Error(Fault::usage,
              cat("the model's folder keeps its layers in ", name_of(stored), ", and model.quantization.format is ",
                  name_of(wanted)),
              cat("set model.quantization.format: ", name_of(stored), ", or use the model's bf16 version"));
}

bool is_skipped(const std::string& name, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
    return name.ends_with(cat(".", ending, ".weight")) || name == cat(ending, ".weight");
  });
}

void quantise_folder(const fs::path& from, const fs::path& to, const QuantiseOptions& options) {
  const fs::path target = (to / "").parent_path();  // without a slash at the end: the part is to stand beside it
  doing(cat("quantising ", from.string(), " into ", target.string()), [&] {
    PST_ASSERT(options.format != NumberFormat::none, "the caller names a format");
    weights::refuse_used_folder(target);
    families::check_model(from);
    const families::ModelSpec model = families::read_model(from);
    if (model.stored != NumberFormat::none)
      throw Error(Fault::data, cat(from.string(), " is quantised already: ", weights::name_of(model.stored)),
                  "start from the model's bf16 version: quantising twice loses more");
    const weights::TensorStore store = families::open_weights(from, model, WhenCut::read_zeros);
    const auto others = other_files(from);
    std::set<std::string> names = {"config.json", "model.safetensors"};
    for (const auto& file : others) names.insert(file.filename().string());

    weights::PartFolder part(target, names);
    std::vector<std::string> dense = {"lm_head"};
    dense.insert(dense.end(), options.skip.begin(), options.skip.end());
    write_durably(part.path() / "config.json",
                  weights::quantised_config_json(read_file(from / "config.json"), options.format,
                                                 options.scales == Scales::quantised, dense));
    for (const auto& file : others) write_durably(part.path() / file.filename(), read_file(file));
    FolderWriter(model, store, options).write(part.path() / "model.safetensors");
    families::check_model(part.path());
    store.check_whole();
    part.commit();
  });
}

}  // namespace pst::lowbit
