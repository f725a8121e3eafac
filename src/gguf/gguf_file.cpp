// SPDX-License-Identifier: Apache-2.0
#include "gguf/gguf_file.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "gguf/split_names.hpp"

namespace pst::gguf {
namespace {

constexpr std::uint64_t kMaxMetadataBytes = 512ull << 20;  // a 256,000-token vocabulary with its merges takes 15 MB
constexpr std::uint64_t kMaxName = 1024;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::int64_t kMaxAlignment = 1 << 20;

/// Metadata types. @see ggml/docs/gguf.md, gguf_metadata_value_type
enum class Type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// Reads little-endian values one after the other; every read is compared with what is left.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  std::size_t position() const { return position_; }
  std::uint64_t left() const {
    return std::min<std::uint64_t>(bytes_.size(), kMaxMetadataBytes) -
           std::min<std::uint64_t>(position_, kMaxMetadataBytes);
  }
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(Fault::data, cat(file_, ": damaged GGUF file at byte ", position_, ": ", reason),
                "download the file again");
  }
  void need(std::uint64_t count, std::string_view what) const {
    if (count > left()) refuse(cat(what, " needs ", count, " bytes, but ", left(), " are left"));
  }
  template <class T>
  T read(std::string_view what) {
    need(sizeof(T), what);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bits |= std::uint64_t{std::to_integer<std::uint8_t>(bytes_[position_ + i])} << (8 * i);
    position_ += sizeof(T);
    if constexpr (sizeof(T) == 8) return __builtin_bit_cast(T, bits);
    if constexpr (sizeof(T) == 4) return __builtin_bit_cast(T, static_cast<std::uint32_t>(bits));
    if constexpr (sizeof(T) == 2) return __builtin_bit_cast(T, static_cast<std::uint16_t>(bits));
    if constexpr (sizeof(T) == 1) return __builtin_bit_cast(T, static_cast<std::uint8_t>(bits));
  }
  std::string string(std::string_view what, std::uint64_t longest = kMaxMetadataBytes) {
    const auto length = read<std::uint64_t>(what);
    if (length > longest) refuse(cat(what, " claims ", length, " characters; at most ", longest, " are allowed"));
    need(length, what);
    std::string text(reinterpret_cast<const char*>(bytes_.data()) + position_, length);
    position_ += length;
    return text;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& file_;
  std::size_t position_ = 0;
};

std::int64_t read_integer(Cursor& in, Type type, std::string_view key) {
  switch (type) {
    case Type::u8: return in.read<std::uint8_t>(key);
    case Type::i8: return in.read<std::int8_t>(key);
    case Type::u16: return in.read<std::uint16_t>(key);
    case Type::i16: return in.read<std::int16_t>(key);
    case Type::u32: return in.read<std::uint32_t>(key);
    case Type::i32: return in.read<std::int32_t>(key);
    case Type::i64: return in.read<std::int64_t>(key);
    case Type::u64: {
      const auto value = in.read<std::uint64_t>(key);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        in.refuse(cat(quoted(key), " is ", value, "; only numbers below 2^63 are read"));
      return static_cast<std::int64_t>(value);
    }
    case Type::boolean: {
      const auto value = in.read<std::uint8_t>(key);
      if (value > 1) in.refuse(cat(quoted(key), " is neither true nor false"));
      return value;
    }
    case Type::f32:
    case Type::f64:
    case Type::string:
    case Type::array: break;
  }
  throw Error(Fault::bug, cat("not the type of a whole number: ", static_cast<std::uint32_t>(type)));
}

double read_real(Cursor& in, Type type, std::string_view key) {
  return type == Type::f32 ? double{in.read<float>(key)} : in.read<double>(key);
}

Type read_type(Cursor& in, std::string_view key) {
  const auto type = in.read<std::uint32_t>(key);
  if (type > static_cast<std::uint32_t>(Type::f64)) in.refuse(cat(quoted(key), " has the unknown type ", type));
  return static_cast<Type>(type);
}

std::uint64_t smallest(Type type) {
  switch (type) {
    case Type::u8:
    case Type::i8:
    case Type::boolean: return 1;
    case Type::u16:
    case Type::i16: return 2;
    case Type::u32:
    case Type::i32:
    case Type::f32: return 4;
    case Type::string:
    case Type::array:
    case Type::u64:
    case Type::i64:
    case Type::f64: return 8;
  }
  return 8;
}

Value read_array(Cursor& in, std::string_view key) {
  const Type type = read_type(in, key);
  if (type == Type::array) in.refuse(cat(quoted(key), " is a list of lists, which no model file needs"));
  const auto count = in.read<std::uint64_t>(key);
  if (count > in.left() / smallest(type))
    in.refuse(cat(quoted(key), " claims ", count, " entries, more than the file can hold"));

  if (type == Type::string) {
    std::vector<std::string> values;
    for (std::uint64_t i = 0; i < count; ++i) values.push_back(in.string(key));
    return values;
  }
  if (type == Type::f32 || type == Type::f64) {
    std::vector<double> values;
    for (std::uint64_t i = 0; i < count; ++i) values.push_back(read_real(in, type, key));
    return values;
  }
  std::vector<std::int64_t> values;
  for (std::uint64_t i = 0; i < count; ++i) values.push_back(read_integer(in, type, key));
  return values;
}

Value read_value(Cursor& in, std::string_view key) {
  const Type type = read_type(in, key);
  if (type == Type::array) return read_array(in, key);
  if (type == Type::string) return in.string(key);
  if (type == Type::f32 || type == Type::f64) return read_real(in, type, key);
  if (type == Type::boolean) return read_integer(in, type, key) != 0;
  return read_integer(in, type, key);
}

/// A tensor as the file describes it; its bytes follow once all of them are known.
struct Placed {
  TensorInfo info;
  std::uint64_t offset = 0, size = 0;
};

Placed read_tensor(Cursor& in, const std::string& file) {
  Placed placed;
  placed.info.name = in.string("a tensor's name", kMaxName);
  const std::string shown = cat("tensor ", quoted(placed.info.name));
  const auto dimensions = in.read<std::uint32_t>(shown);
  if (dimensions == 0 || dimensions > kMaxDimensions)
    in.refuse(cat(shown, " has ", dimensions, " dimensions; 1 to 4 are possible"));
  std::uint64_t count = 1;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto size = in.read<std::uint64_t>(shown);
    if (size == 0 || size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
        __builtin_mul_overflow(count, size, &count))
      in.refuse(cat(shown, " has a dimension of ", size, ": empty or too large"));
    placed.info.shape.insert(placed.info.shape.begin(), static_cast<std::int64_t>(size));
  }
  const auto number = in.read<std::uint32_t>(shown);
  const auto type = block_type(number);
  if (!type)
    throw Error(Fault::data,
                cat(file, ": ", shown, " has the type ", name_of_ggml_type(number), ", which is not read here"),
                cat("take a file of one of these types: ", readable_types()));
  placed.info.type = *type;
  const BlockShape block = shape_of(*type);
  if (placed.info.shape.back() % block.values != 0)
    in.refuse(cat(shown, " has rows of ", placed.info.shape.back(), " values, no multiple of the ", block.values,
                  " of a ", name_of(*type), " block"));
  if (__builtin_mul_overflow(count / static_cast<std::uint64_t>(block.values), static_cast<std::uint64_t>(block.bytes),
                             &placed.size))
    in.refuse(cat(shown, " is larger than 2^64 bytes"));
  placed.offset = in.read<std::uint64_t>(shown);
  return placed;
}

void place_tensors(std::vector<Placed>& tensors, std::span<const std::byte> data, std::uint64_t alignment,
                   const std::string& file) {
  const auto refuse = [&](const std::string& reason) {
    throw Error(Fault::data, cat(file, ": ", reason), "download the file again: it is cut off or damaged");
  };
  std::vector<const Placed*> by_offset;
  for (auto& tensor : tensors) {
    const std::string shown = cat("tensor ", quoted(tensor.info.name));
    if (tensor.offset % alignment != 0)
      refuse(cat(shown, " begins at ", tensor.offset, ", not at a multiple of ", alignment));
    if (tensor.offset > data.size() || tensor.size > data.size() - tensor.offset)
      refuse(cat(shown, " needs bytes ", tensor.offset, " to ", tensor.offset, " + ", tensor.size,
                 " of the data, which has only ", data.size()));
    tensor.info.bytes = data.subspan(tensor.offset, tensor.size);
    by_offset.push_back(&tensor);
  }
  std::sort(by_offset.begin(), by_offset.end(), [](const Placed* a, const Placed* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < by_offset.size(); ++i)
    if (by_offset[i]->offset < by_offset[i - 1]->offset + by_offset[i - 1]->size)
      refuse(
          cat("tensors ", quoted(by_offset[i - 1]->info.name), " and ", quoted(by_offset[i]->info.name), " overlap"));
}

}  // namespace

std::int64_t TensorInfo::count() const {
  std::int64_t values = 1;
  for (const auto size : shape) values *= size;  // checked when the file was opened
  return values;
}

struct File::Impl {
  fs::path path;
  MappedFile file;
  std::map<std::string, Value, std::less<>> values;
  std::vector<TensorInfo> tensors;
  std::map<std::string, std::size_t, std::less<>> by_name;
  std::vector<File> others;  ///< of a model in several files

  [[noreturn]] void wrong_type(std::string_view key, const char* wanted) const {
    throw Error(Fault::data, cat(path.string(), ": metadata ", quoted(key), " is not ", wanted));
  }
};

void File::check_whole() const {
  impl_->file.check();
  for (const File& other : impl_->others) other.check_whole();
}

File::~File() = default;
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;

File::File(const fs::path& path) : File(path, 0) { add_others(); }

void File::add_others() {
  const std::int64_t count = integer("split.count").value_or(1);
  const std::string first = path().string();
  if (count == 1) return;
  for (const fs::path& file : following_files(path(), count)) {
    File other(file, std::ssize(impl_->others) + 1);
    if (other.integer("split.count") != count)
      throw Error(Fault::data, cat(file.string(), ": it is no part of ", first, ", which has ", count, " files"));
    for (const TensorInfo& tensor : other.tensors()) {
      if (!impl_->by_name.try_emplace(tensor.name, impl_->tensors.size()).second)
        throw Error(Fault::data, cat(file.string(), ": ", first, " has the tensor ", quoted(tensor.name), " too"));
      impl_->tensors.push_back(tensor);
    }
    impl_->others.push_back(std::move(other));
  }
  if (const auto all = integer("split.tensors.count"); all && *all != std::ssize(impl_->tensors))
    throw Error(Fault::data,
                cat(first, ": ", count, " files have ", impl_->tensors.size(), " tensors instead of ", *all),
                "download the files again");
}

File::File(const fs::path& path, std::int64_t number)
    : impl_(new Impl{path, MappedFile(path, WhenCut::read_zeros), {}, {}, {}, {}}) {
  const std::string name = path.string();
  const auto bytes = impl_->file.bytes();
  Cursor in(bytes, name);
  if (bytes.size() < 24 || in.read<std::uint32_t>("the magic") != 0x46554747u)
    throw Error(Fault::data, cat(name, " is not a GGUF file"), "a GGUF file begins with the letters GGUF");
  const auto version = in.read<std::uint32_t>("the version");
  if (version != 2 && version != 3)
    throw Error(
        Fault::data,
        cat(name, (version & 0xffffu) == 0 ? cat(" is a big-endian GGUF file") : cat(" has GGUF version ", version),
            "; versions 2 and 3, little-endian, are read"),
        "convert the model again with a current llama.cpp");
  const auto tensor_count = in.read<std::uint64_t>("the number of tensors");
  const auto value_count = in.read<std::uint64_t>("the number of metadata entries");
  // The shortest entries there can be: an empty key, a type and one byte; an empty name, one dimension, type and
  // offset.
  if (value_count > in.left() / 13)
    in.refuse(cat("it claims ", value_count, " metadata entries, more than it can hold"));
  if (tensor_count > in.left() / 32) in.refuse(cat("it claims ", tensor_count, " tensors, more than it can hold"));

  for (std::uint64_t i = 0; i < value_count; ++i) {
    std::string key = in.string("a metadata key", kMaxName);
    Value value = read_value(in, key);
    const auto [at, fresh] = impl_->values.try_emplace(std::move(key), std::move(value));
    if (!fresh) in.refuse(cat("metadata ", quoted(at->first), " occurs twice"));
  }
  const auto alignment = integer("general.alignment").value_or(32);
  if (alignment < 1 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0)
    in.refuse(cat("general.alignment is ", alignment, "; it must be a power of two up to ", kMaxAlignment));

  std::vector<Placed> placed;
  for (std::uint64_t i = 0; i < tensor_count; ++i) {
    placed.push_back(read_tensor(in, name));
    if (!impl_->by_name.try_emplace(placed.back().info.name, i).second)
      in.refuse(cat("the tensor name ", quoted(placed.back().info.name), " occurs twice"));
  }
  if (const auto at = integer("split.no").value_or(number); at != number)
    throw Error(Fault::data, cat(name, " is number ", at + 1, " of several files, not number ", number + 1),
                "give the first of them, whose name ends in -00001-of-...");
  const auto step = static_cast<std::uint64_t>(alignment);
  const std::uint64_t begin = (in.position() + step - 1) / step * step;
  place_tensors(placed, begin <= bytes.size() ? bytes.subspan(begin) : std::span<const std::byte>(), step, name);
  for (auto& tensor : placed) impl_->tensors.push_back(std::move(tensor.info));
}

const fs::path& File::path() const { return impl_->path; }
const std::vector<TensorInfo>& File::tensors() const { return impl_->tensors; }

const TensorInfo* File::find_tensor(std::string_view name) const {
  const auto at = impl_->by_name.find(name);
  return at == impl_->by_name.end() ? nullptr : &impl_->tensors[at->second];
}

const Value* File::find(std::string_view key) const {
  const auto at = impl_->values.find(key);
  return at == impl_->values.end() ? nullptr : &at->second;
}

std::vector<std::string> File::keys() const {
  std::vector<std::string> names;
  for (const auto& [key, value] : impl_->values) names.push_back(key);
  return names;
}

std::optional<std::int64_t> File::integer(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* number = std::get_if<std::int64_t>(value)) return *number;
  impl_->wrong_type(key, "a whole number");
}

std::optional<double> File::real(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(value)) return static_cast<double>(*number);
  impl_->wrong_type(key, "a number");
}

std::optional<bool> File::flag(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* truth = std::get_if<bool>(value)) return *truth;
  impl_->wrong_type(key, "true or false");
}

std::optional<std::string> File::text(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* found = std::get_if<std::string>(value)) return *found;
  impl_->wrong_type(key, "a string");
}

const std::vector<std::string>* File::texts(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return nullptr;
  if (const auto* found = std::get_if<std::vector<std::string>>(value)) return found;
  impl_->wrong_type(key, "a list of strings");
}

const std::vector<std::int64_t>* File::integers(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return nullptr;
  if (const auto* found = std::get_if<std::vector<std::int64_t>>(value)) return found;
  impl_->wrong_type(key, "a list of whole numbers");
}
const std::vector<double>* File::reals(std::string_view key) const {
  const Value* value = find(key);
  if (!value) return nullptr;
  if (const auto* found = std::get_if<std::vector<double>>(value)) return found;
  impl_->wrong_type(key, "a list of whole numbers");
}

std::int64_t File::needed_integer(std::string_view key) const {
  if (const auto value = integer(key)) return *value;
  throw Error(Fault::data, cat(impl_->path.string(), ": metadata ", quoted(key), " is missing"),
              "take a complete GGUF of the model");
}

std::string File::needed_text(std::string_view key) const {
  if (auto value = text(key)) return *std::move(value);
  throw Error(Fault::data, cat(impl_->path.string(), ": metadata ", quoted(key), " is missing"),
              "take a complete GGUF of the model");
}

}  // namespace pst::gguf
