// SPDX-License-Identifier: Apache-2.0
#include "weights/safetensors.hpp"

#include <algorithm>
#include <cstring>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "weights/dtype.hpp"
#include "weights/header.hpp"
#include "weights/index.hpp"

namespace pst::weights {
namespace {

constexpr std::size_t kLengthBytes = 8;

struct OpenFile {
  fs::path path;
  MappedFile file;
  std::vector<Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

bool present(const fs::path& path) {
  std::error_code unreadable;  // reading it will say why
  return fs::exists(path, unreadable) || unreadable;
}

/// What people hand us instead, told apart by its first bytes. A pickle runs code when loaded: never read, whatever it
/// says.
void refuse_other_formats(const fs::path& path, std::string_view start) {
  const auto begins = [&](std::string_view magic) { return start.starts_with(magic); };
  const std::string extension = path.extension().string();
  // The first eight bytes of a safetensors file are the length of its header, which may look like anything: 640 is
  // 80 02, as a pickle begins.
  if (start.size() > kLengthBytes && start[kLengthBytes] == '{' && extension == ".safetensors") return;
  if (begins("PK\x03\x04") || begins("\x80\x02") || begins("\x80\x03") || begins("\x80\x04") || begins("\x80\x05") ||
      extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".ckpt")
    throw Error(Fault::data, cat(path.string(), " is a PyTorch pickle; reading one may run any code that is in it"),
                "convert it where you trust it: transformers' save_pretrained(DIR) writes model.safetensors");
  if (begins("GGUF"))
    throw Error(Fault::data, cat(path.string(), " is a GGUF file"),
                cat("peft-studio model import ", shell_quoted(path.string()), " DIR"));
  if (begins("version https://git-lfs"))
    throw Error(Fault::data, cat(path.string(), " is a Git LFS pointer, not the weights"),
                "run git lfs pull in that folder");
}

OpenFile open_file(const fs::path& path, WhenCut when_cut) {
  OpenFile open{path, MappedFile(path, when_cut), {}, {}};
  const auto bytes = open.file.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  refuse_other_formats(path, text.substr(0, 64));
  if (bytes.size() < kLengthBytes)
    throw Error(Fault::data, cat(path.string(), " has only ", bytes.size(), " bytes: it is no safetensors file"),
                "download or write the file again");

  std::uint64_t header_bytes = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    header_bytes |= std::uint64_t{std::to_integer<std::uint8_t>(bytes[i])} << (8 * i);
  if (header_bytes > kMaxHeaderBytes)
    throw Error(Fault::data, cat(path.string(), ": the header claims ", header_bytes, " bytes; at most ",
                                 kMaxHeaderBytes, " are allowed: it is no safetensors file, or damaged"));
  if (header_bytes > bytes.size() - kLengthBytes)
    throw Error(Fault::data,
                cat(path.string(), ": the header claims ", header_bytes, " bytes, but the file has only ", bytes.size(),
                    ": it is cut off"),
                "download or write the file again");
  const auto data = bytes.subspan(kLengthBytes + header_bytes);

  Header header =
      parse_header(text.substr(kLengthBytes, header_bytes), static_cast<std::int64_t>(data.size()), path.string());
  open.metadata = std::move(header.metadata);
  for (auto& entry : header.entries)
    open.tensors.push_back(
        {std::move(entry.name), std::move(entry.dtype), std::move(entry.shape),
         data.subspan(static_cast<std::size_t>(entry.begin), static_cast<std::size_t>(entry.end - entry.begin))});
  return open;
}

std::vector<OpenFile> open_index(const fs::path& index, WhenCut when_cut) {
  const auto files_of = read_weight_map(index);
  std::map<std::string, std::size_t> tensors_in;  // by file: also gives a fixed order of the files
  for (const auto& entry : files_of) ++tensors_in[entry.second];

  std::vector<OpenFile> files;
  for (const auto& [name, count] : tensors_in) {
    const fs::path path = index.parent_path() / name;
    if (!present(path))
      throw Error(Fault::data, cat(path.string(), " is missing; ", index.string(), " puts ", count, " tensors into it"),
                  "download the whole model again");
    OpenFile file = open_file(path, when_cut);
    for (const auto& tensor : file.tensors) {
      const auto listed = files_of.find(tensor.name);
      if (listed == files_of.end() || listed->second != name)
        throw Error(Fault::data, cat(path.string(), " holds tensor ", quoted(tensor.name), ", which ", index.string(),
                                     listed == files_of.end() ? " does not list" : cat(" puts into ", listed->second)));
    }
    if (file.tensors.size() != count) {
      for (const auto& [tensor, place] : files_of)
        if (place == name &&
            std::none_of(file.tensors.begin(), file.tensors.end(), [&](const Tensor& t) { return t.name == tensor; }))
          throw Error(Fault::data,
                      cat(path.string(), " has no tensor ", quoted(tensor), ", which ", index.string(), " puts there"));
    }
    files.push_back(std::move(file));
  }
  return files;
}

std::vector<OpenFile> open_any(const fs::path& path, WhenCut when_cut) {
  std::vector<OpenFile> files;
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    if (path.extension() == ".json") return open_index(path, when_cut);
    files.push_back(open_file(path, when_cut));
    return files;
  }
  if (present(path / "model.safetensors")) {
    files.push_back(open_file(path / "model.safetensors", when_cut));
    return files;
  }
  if (present(path / "model.safetensors.index.json"))
    return open_index(path / "model.safetensors.index.json", when_cut);
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"})
    if (present(path / name)) refuse_other_formats(path / "pytorch_model.bin", {});
  throw Error(Fault::data, cat("no model.safetensors and no model.safetensors.index.json in ", path.string()),
              "name the folder that holds the model's weights");
}

}  // namespace

std::int64_t Tensor::count() const {
  std::int64_t values = 1;
  for (const auto size : shape) values *= size;  // checked when the file was opened
  return values;
}

Dtype Tensor::core_dtype() const {
  static const std::map<std::string, Dtype, std::less<>> names = {
      {"F32", Dtype::f32}, {"BF16", Dtype::bf16}, {"F16", Dtype::f16}, {"F64", Dtype::f64}, {"I64", Dtype::i64},
      {"I32", Dtype::i32}, {"I16", Dtype::i16},   {"I8", Dtype::i8},   {"U8", Dtype::u8},   {"BOOL", Dtype::boolean}};
  const auto found = names.find(dtype);
  if (found == names.end())
    throw Error(Fault::data,
                cat("tensor ", quoted(name), " has the dtype ", dtype, ", which this program does not compute with"));
  return found->second;
}

struct TensorStore::Impl {
  std::vector<MappedFile> mappings;
  std::vector<fs::path> files;
  std::vector<Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

TensorStore::TensorStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TensorStore::TensorStore(TensorStore&&) noexcept = default;
TensorStore& TensorStore::operator=(TensorStore&&) noexcept = default;
TensorStore::~TensorStore() = default;

void TensorStore::check_whole() const {
  for (const auto& mapping : impl_->mappings) mapping.check();
}

TensorStore TensorStore::open(const fs::path& path, WhenCut when_cut) {
  auto impl = std::make_unique<Impl>();
  for (auto& file : open_any(path, when_cut)) {
    impl->mappings.push_back(std::move(file.file));  // the mapping moves, the mapped bytes stay where they are
    impl->files.push_back(file.path);
    std::move(file.tensors.begin(), file.tensors.end(), std::back_inserter(impl->tensors));
    impl->metadata.merge(file.metadata);
  }
  std::sort(impl->tensors.begin(), impl->tensors.end(),
            [](const Tensor& a, const Tensor& b) { return a.name < b.name; });
  return TensorStore(std::move(impl));
}

const std::vector<Tensor>& TensorStore::tensors() const { return impl_->tensors; }
const std::map<std::string, std::string>& TensorStore::metadata() const { return impl_->metadata; }
std::vector<fs::path> TensorStore::files() const { return impl_->files; }

void TensorStore::rename(const std::vector<std::pair<std::string, std::string>>& beginnings) {
  if (beginnings.empty()) return;
  auto& tensors = impl_->tensors;
  for (Tensor& tensor : tensors)
    for (const auto& [from, to] : beginnings)
      if (tensor.name.starts_with(from)) {
        tensor.name.replace(0, from.size(), to);
        break;
      }
  const auto by_name = [](const Tensor& a, const Tensor& b) { return a.name < b.name; };
  std::sort(tensors.begin(), tensors.end(), by_name);
  const auto twice = std::adjacent_find(tensors.begin(), tensors.end(),
                                        [](const Tensor& a, const Tensor& b) { return a.name == b.name; });
  if (twice != tensors.end())
    throw Error(Fault::data, cat("tensor ", quoted(twice->name), " is there under two names"),
                "keep one of them: save the model again with save_pretrained(DIR)");
}

void TensorStore::cut(std::string_view name, const std::vector<Part>& parts) {
  const Tensor whole = get(name);
  const auto value_bytes = bytes_per_value(whole.dtype).value_or(1);
  std::vector<Tensor> made;
  std::size_t begin = 0;
  for (const Part& part : parts) {
    const auto bytes = checked_bytes(part.shape, value_bytes);
    if (!bytes || begin + static_cast<std::size_t>(*bytes) > whole.bytes.size()) break;
    made.push_back({part.name, whole.dtype, part.shape, whole.bytes.subspan(begin, static_cast<std::size_t>(*bytes))});
    begin += static_cast<std::size_t>(*bytes);
  }
  if (made.size() != parts.size() || begin != whole.bytes.size())
    throw Error(Fault::data,
                cat("tensor '", whole.name, "' ", shape_text(whole.shape), " has another size than config.json says"),
                "take config.json and weights from the same model");
  auto& tensors = impl_->tensors;
  std::erase_if(tensors, [&](const Tensor& tensor) { return tensor.name == whole.name; });
  tensors.insert(tensors.end(), std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& a, const Tensor& b) { return a.name < b.name; });
}

const Tensor* TensorStore::find(std::string_view name) const {
  const auto at = std::lower_bound(impl_->tensors.begin(), impl_->tensors.end(), name,
                                   [](const Tensor& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return at != impl_->tensors.end() && at->name == name ? &*at : nullptr;
}

const Tensor& TensorStore::get(std::string_view name) const {
  if (const Tensor* found = find(name)) return *found;
  std::vector<std::string> names;
  for (const auto& tensor : impl_->tensors) names.push_back(tensor.name);
  const auto close = nearest(name, names);
  throw Error(Fault::data, cat("no tensor ", quoted(name), " in ",
                               impl_->files.empty() ? "the store" : impl_->files.front().string(),
                               close ? cat("; did you mean ", quoted(*close), "?") : std::string()));
}

}  // namespace pst::weights
