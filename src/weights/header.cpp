// SPDX-License-Identifier: Apache-2.0
#include "weights/header.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "weights/dtype.hpp"

namespace pst::weights {
namespace {

constexpr std::size_t kMaxRank = 64;  // what torch can represent

/// Follows the one shape a header may have and refuses anything else at once, so that a hostile header costs no more
/// memory than the entries it spells out: {name: {"dtype": s, "shape": [n...], "data_offsets": [b, e]}, "__metadata__":
/// {s: s}}
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Header take() { return std::move(header_); }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(number_integer_t value) override {
    return fail(cat(where(), " holds the negative number ", value));
  }
  bool number_float(number_float_t, const string_t& digits) override {
    return fail(cat(where(), " holds ", digits, ", which is no whole number below 2^63"));
  }
  bool binary(binary_t&) override { return unexpected("bytes"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return fail(cat(where(), " holds ", value, ", which is no whole number below 2^63"));
    if (state_ == State::shape) {
      if (entry_.shape.size() == kMaxRank) return fail(cat(where(), " has more than ", kMaxRank, " dimensions"));
      entry_.shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (state_ == State::offsets && offsets_ < 2) {
      (offsets_++ == 0 ? entry_.begin : entry_.end) = static_cast<std::int64_t>(value);
      return true;
    }
    return unexpected(state_ == State::offsets ? "a third number" : "a number");
  }

  bool string(string_t& value) override {
    if (state_ == State::metadata) {
      header_.metadata[key_] = std::move(value);
      return true;
    }
    if (state_ == State::tensor && key_ == "dtype") {
      entry_.dtype = std::move(value);
      return true;
    }
    return unexpected("a string");
  }

  bool key(string_t& value) override {
    if (state_ == State::top) {
      if (!names_.insert(value).second) return fail(cat("the name ", quoted(value), " occurs twice"));
      entry_ = {};
      entry_.name = value;
      fields_ = 0;
    } else if (state_ == State::tensor) {
      const unsigned field = value == "dtype" ? 1 : value == "shape" ? 2 : value == "data_offsets" ? 4 : 0;
      if (field == 0)
        return fail(cat("tensor ", quoted(entry_.name), " has a field ", quoted(value),
                        "; only dtype, shape and data_offsets exist"));
      if (fields_ & field) return fail(cat("tensor ", quoted(entry_.name), " has ", quoted(value), " twice"));
      fields_ |= field;
    } else if (header_.metadata.count(value) != 0) {
      return fail(cat("__metadata__ has ", quoted(value), " twice"));
    }
    key_ = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (state_ == State::start) return enter(State::top);
    if (state_ == State::top) return enter(key_ == "__metadata__" ? State::metadata : State::tensor);
    return unexpected("an object");
  }
  bool end_object() override {
    if (state_ == State::top) return enter(State::end);
    if (state_ == State::tensor) {
      if (fields_ != 7)
        return fail(cat("tensor ", quoted(entry_.name), " has no ",
                        !(fields_ & 1)   ? "dtype"
                        : !(fields_ & 2) ? "shape"
                                         : "data_offsets"));
      header_.entries.push_back(std::move(entry_));
    }
    return enter(State::top);
  }
  bool start_array(std::size_t) override {
    if (state_ == State::tensor && key_ == "shape") return enter(State::shape);
    if (state_ == State::tensor && key_ == "data_offsets") {
      offsets_ = 0;
      return enter(State::offsets);
    }
    return unexpected("a list");
  }
  bool end_array() override {
    if (state_ == State::offsets && offsets_ != 2) return fail(cat(where(), " needs two numbers"));
    return enter(State::tensor);
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    return fail(cat("not valid JSON at byte ", position, " of ", text_.size()));
  }

 private:
  enum class State { start, top, tensor, shape, offsets, metadata, end };

  bool enter(State state) {
    state_ = state;
    return true;
  }
  std::string where() const {
    switch (state_) {
      case State::start:
      case State::end: return "the header";
      case State::top: return cat("the entry ", quoted(key_));
      case State::metadata: return cat("__metadata__ key ", quoted(key_));
      case State::tensor:
      case State::shape:
      case State::offsets: return cat("tensor ", quoted(entry_.name), ": ", quoted(key_));
    }
    return {};
  }
  bool unexpected(const char* what) { return fail(cat(where(), " holds ", what, ", which does not belong there")); }
  [[noreturn]] bool fail(const std::string& reason) {
    throw Error(Fault::data, cat(file_, ": damaged safetensors header: ", reason), "download or write the file again");
  }

  std::string_view text_;
  const std::string& file_;
  Header header_;
  State state_ = State::start;
  std::set<std::string> names_;
  std::string key_;
  HeaderEntry entry_;
  unsigned fields_ = 0, offsets_ = 0;
};

[[noreturn]] void refuse(const std::string& file, const std::string& reason) {
  throw Error(Fault::data, cat(file, ": ", reason), "download or write the file again");
}

void check_size(const HeaderEntry& entry, const std::string& file) {
  const auto value_bytes = bytes_per_value(entry.dtype);
  if (!value_bytes)
    throw Error(Fault::data, cat(file, ": tensor ", quoted(entry.name), " has the unknown dtype ", quoted(entry.dtype)),
                cat("known are ", known_dtypes()));
  const auto bytes = checked_bytes(entry.shape, *value_bytes);
  if (!bytes)
    refuse(file,
           cat("tensor ", quoted(entry.name), " of shape ", shape_text(entry.shape), " is larger than 2^63 bytes"));
  if (entry.begin > entry.end)
    refuse(file,
           cat("tensor ", quoted(entry.name), " ends at byte ", entry.end, ", before it begins at ", entry.begin));
  if (*bytes != entry.end - entry.begin)
    refuse(file, cat("tensor ", quoted(entry.name), ", ", entry.dtype, " ", shape_text(entry.shape), ", needs ", *bytes,
                     " bytes, but its offsets span ", entry.end - entry.begin));
}

}  // namespace

Header parse_header(std::string_view json, std::int64_t data_bytes, const std::string& name) {
  // The format demands that nothing comes before the brace; blanks behind it are padding.
  if (json.empty() || json.front() != '{') refuse(name, "the safetensors header does not begin with '{'");
  // The parser takes a NUL for the end of the text: what follows would be hidden.
  if (json.find('\0') != json.npos) refuse(name, "the safetensors header is not valid JSON: it holds a NUL byte");
  HeaderReader reader(json, name);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  Header header = reader.take();

  for (const auto& entry : header.entries) check_size(entry, name);
  std::sort(header.entries.begin(), header.entries.end(), [](const HeaderEntry& a, const HeaderEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  // Each begins where the one before ended. So nothing overlaps (an empty tensor inside another neither) and no byte is
  // left for a second, hidden content.
  std::int64_t covered = 0;
  for (const auto& entry : header.entries) {
    if (entry.end > data_bytes)
      refuse(name, cat("tensor ", quoted(entry.name), " ends at byte ", entry.end,
                       " of the data, but the file has only ", data_bytes, ": it is cut off or damaged"));
    if (entry.begin < covered)
      refuse(name, cat("tensor ", quoted(entry.name), " begins at byte ", entry.begin, ", inside the one that ends at ",
                       covered));
    if (entry.begin > covered) refuse(name, cat("no tensor owns bytes ", covered, " to ", entry.begin, " of the data"));
    covered = entry.end;
  }
  if (covered != data_bytes) refuse(name, cat("no tensor owns bytes ", covered, " to ", data_bytes, " of the data"));
  return header;
}

}  // namespace pst::weights
