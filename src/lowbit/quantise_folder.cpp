// SPDX-License-Identifier: Apache-2.0
#include "lowbit/quantise_folder.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <future>
#include <optional>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/folder.hpp"
#include "families/read_model.hpp"
#include "kernels/nf4/nf4.hpp"
#include "weights/bitsandbytes.hpp"
#include "weights/quantised_config.hpp"
#include "weights/part_folder.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::lowbit {
namespace {

using weights::PlannedTensor;
using weights::StoredFormat;

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
std::vector<std::vector<std::byte>> packed(const Codec& codec, const Matrix& matrix, int threads) {
  std::vector<float> statistics(static_cast<std::size_t>(codec.statistics(matrix)));
  in_threads(threads, statistics.size() * sizeof(float), [&](std::size_t begin, std::size_t end) {
    codec.collect(matrix, static_cast<std::int64_t>(begin / 4), static_cast<std::int64_t>(end / 4),
                  statistics.data() + begin / 4);
  });
  std::vector<std::vector<std::byte>> made;
  for (const auto& array : codec.arrays(matrix)) {
    std::size_t size = size_of(array.dtype);
    for (const auto length : array.shape) size *= static_cast<std::size_t>(length);
    made.emplace_back(size);
    in_threads(threads, size, [&](std::size_t begin, std::size_t end) {
      codec.pack(matrix, statistics, made.size() - 1, begin, end, made.back().data() + begin);
    });
  }
  return made;
}

std::string torch_name(const std::string& dtype) {
  return dtype == "BF16" ? "bfloat16" : dtype == "F16" ? "float16" : "float32";
}

class FolderWriter {
 public:
  FolderWriter(const families::ModelSpec& model, const weights::TensorStore& store, const QuantiseOptions& options)
      : model_(model),
        store_(store),
        options_(options),
        codec_(codec_of(options.format, options.scales, serial_cpu())) {}

  void write(const fs::path& path) const {
    std::vector<PlannedTensor> plan;
    for (const auto& tensor : store_.tensors()) add_to_plan(tensor, plan);
    weights::TensorWriter writer(path, plan);
    for (const auto& tensor : store_.tensors()) {
      if (!is_chosen(tensor.name)) {
        writer.add(tensor.bytes);
        continue;
      }
      for (const auto& bytes : stored_arrays(tensor)) writer.add(bytes);
    }
    writer.finish();
  }

 private:
  bool is_chosen(const std::string& name) const {
    return families::is_layer_matrix(model_, name) && !is_skipped(name, options_.skip);
  }
  Matrix matrix_of(const weights::Tensor& tensor) const {
    return {store_, tensor.name, tensor.shape.at(0), tensor.shape.at(1)};
  }
  bool is_nested() const { return options_.scales == Scales::quantised; }
  /// The longest that a state can be: its offset is known only after the plan is written. JSON may end in spaces.
  std::string state_of(const weights::Tensor& tensor, std::optional<float> offset) const {
    constexpr std::size_t kOffsetRoom = 24;
    const Matrix matrix = matrix_of(tensor);
    const std::string dtype = torch_name(tensor.dtype);
    const std::size_t room =
        weights::nf4_state_json(dtype, matrix.out, matrix.in, is_nested() ? std::optional(0.0f) : std::nullopt).size() +
        (is_nested() ? kOffsetRoom : 0);
    std::string text = weights::nf4_state_json(dtype, matrix.out, matrix.in, offset);
    PST_ASSERT(text.size() <= room, "the shortest text of a double has at most 24 characters");
    text.append(room - text.size(), ' ');
    return text;
  }

  void add_to_plan(const weights::Tensor& tensor, std::vector<PlannedTensor>& plan) const {
    if (!is_chosen(tensor.name)) {
      plan.push_back({tensor.name, tensor.dtype, tensor.shape});
      return;
    }
    const Matrix matrix = matrix_of(tensor);
    const auto arrays = codec_->arrays(matrix);
    const std::string& name = tensor.name;
    if (options_.format == StoredFormat::int8) {
      const std::string prefix = name.substr(0, name.size() - std::string_view("weight").size());
      plan.push_back({name, "I8", {matrix.out, matrix.in}});
      plan.push_back({prefix + "SCB", "F32", {matrix.out}});
      plan.push_back({prefix + "weight_format", "U8", {}});
      return;
    }
    if (options_.format == StoredFormat::fp8) {
      plan.push_back({name, "F8_E4M3", {matrix.out, matrix.in}});
      plan.push_back({name + "_scale", "F32", {matrix.out, 1}});
      return;
    }
    plan.push_back({name, "U8", {arrays[0].shape[0], 1}});
    plan.push_back({name + ".absmax", is_nested() ? "U8" : "F32", arrays[1].shape});
    plan.push_back({name + ".quant_map", "F32", {16}});
    if (is_nested()) {
      plan.push_back({name + ".nested_absmax", "F32", arrays[2].shape});
      plan.push_back({name + ".nested_quant_map", "F32", {256}});
    }
    const auto room =
        static_cast<std::int64_t>(state_of(tensor, is_nested() ? std::optional(0.0f) : std::nullopt).size());
    plan.push_back({name + weights::kNf4State, "U8", {room}});
  }

  /// Bytes of the tensors that add_to_plan announced.
  std::vector<std::vector<std::byte>> stored_arrays(const weights::Tensor& tensor) const {
    auto made = packed(*codec_, matrix_of(tensor), options_.threads);
    const auto bytes_of = [](const auto& values) {
      const auto bytes = std::as_bytes(std::span(values));
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    };
    if (options_.format == StoredFormat::int8) {
      made.push_back({std::byte{0}});  // weight_format: rows
      return made;
    }
    if (options_.format == StoredFormat::fp8) return made;
    std::optional<float> offset;
    if (is_nested()) {
      float value = 0;
      std::memcpy(&value, made.at(4).data(), sizeof value);
      offset = value;
      made.resize(4);
    }
    made.insert(made.begin() + 2, bytes_of(kernels::kNf4Levels));
    made.push_back(bytes_of(state_of(tensor, offset)));
    return made;
  }

  const families::ModelSpec& model_;
  const weights::TensorStore& store_;
  const QuantiseOptions& options_;
  std::unique_ptr<Codec> codec_;
};

bool holds_weights(const fs::path& path) {
  return path.extension() == ".safetensors" || ends_with(path.filename().string(), ".safetensors.index.json");
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

void require_same_format(StoredFormat stored, StoredFormat wanted) {
  if (stored == StoredFormat::dense || stored == wanted) return;
  throw Error(Fault::usage,
              cat("the model's folder keeps its layers in ", name_of(stored), ", and model.quantization.format is ",
                  name_of(wanted)),
              cat("set model.quantization.format: ", name_of(stored), ", or use the model's bf16 version"));
}

bool is_skipped(const std::string& name, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
    return ends_with(name, cat(".", ending, ".weight")) || name == cat(ending, ".weight");
  });
}

void quantise_folder(const fs::path& from, const fs::path& to, const QuantiseOptions& options) {
  const fs::path target = (to / "").parent_path();  // without a slash at the end: ".part" is to stand beside it
  doing(cat("quantising ", from.string(), " into ", target.string()), [&] {
    PST_ASSERT(options.format != StoredFormat::dense, "the caller names a format");
    weights::refuse_used_folder(target);
    families::check_model(from);
    const families::ModelSpec model = families::read_model(from);
    if (model.stored != StoredFormat::dense)
      throw Error(Fault::data, cat(from.string(), " is quantised already: ", weights::name_of(model.stored)),
                  "start from the model's bf16 version: quantising twice loses more");
    const weights::TensorStore store = weights::TensorStore::open(from);
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
    part.commit();
  });
}

}  // namespace pst::lowbit
