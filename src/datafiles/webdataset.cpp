// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/record_container.hpp"
#include "datafiles/tar.hpp"

namespace pst::datafiles {
namespace {

constexpr std::size_t kMostMembers = 256, kMostBytes = std::size_t{64} << 20;  // of a sample: a record is in memory
constexpr std::array<std::string_view, 3> kTexts = {"txt", "text", "transcript"};
constexpr std::array<std::string_view, 5> kNumbers = {"cls", "cls2", "index", "inx", "id"};

/// A sample is made of the members that follow one another with the same name before the first dot; what is behind the
/// dot names the value. @see webdataset, "The WebDataset Format"
class Samples final : public RowReader {
 public:
  explicit Samples(const DataFile& file) : window_(file.text()), members_(window_) {}

  std::optional<Row> next() override {
    ++place_;
    if (!next_) next_ = take();
    if (!next_) return std::nullopt;
    const std::string key = key_of(next_->name);
    Row row;
    row.values["__key__"] = key;
    std::string flaw;
    std::size_t members = 0, bytes = 0;
    while (next_ && key_of(next_->name) == key) {
      try {
        bytes += next_->content.size();
        if (++members > kMostMembers || bytes > kMostBytes) {
          row.values = Json::object();
          throw Error(Fault::data, cat("sample ", quoted(key, 80), " has more than ", kMostMembers,
                                       " members, or more than 64 MiB in them"));
        }
        add(row.values, *next_, key);
      } catch (const Error& error) {
        if (flaw.empty()) flaw = error.message();
      }
      try {
        next_ = take();
      } catch (const Error&) {
        next_.reset();
        throw;
      }
    }
    if (!flaw.empty()) throw Error(Fault::data, flaw);
    return row;
  }
  int place() const override { return place_; }

 private:
  std::optional<TarMember> take() {
    while (true) {
      auto member = members_.next();
      if (!member) return member;
      const std::string name = fs::path(member->name).filename().string();
      if (name.find('.') != name.npos && !name.starts_with(".")) return member;  // else it belongs to no sample
    }
  }
  static std::size_t dot_of(const std::string& name) {
    const auto slash = name.rfind('/');
    return name.find('.', slash == name.npos ? 0 : slash + 1);
  }
  static std::string key_of(const std::string& name) { return name.substr(0, dot_of(name)); }

  static void add(Json& values, TarMember& member, const std::string& key) {
    const std::string kind = lower(std::string_view(member.name).substr(dot_of(member.name) + 1));
    const auto refuse = [&](const std::string& what) {
      throw Error(Fault::data, cat("sample ", quoted(key, 80), ", member ", quoted(kind, 40), ": ", what));
    };
    if (values.contains(kind)) refuse("the sample has it twice");
    const auto is_among = [&](const auto& list) { return std::find(list.begin(), list.end(), kind) != list.end(); };
    if (kind == "json" || kind == "jsn" || kind.ends_with(".json")) {
      auto value = json_in_text(member.content);
      if (!value) refuse("it is no JSON");
      values[kind] = std::move(*value);
    } else if (is_among(kTexts)) {
      if (!is_utf8(member.content) || member.content.find('\0') != std::string::npos) refuse("it is no UTF-8 text");
      values[kind] = std::move(member.content);
    } else if (is_among(kNumbers)) {
      const auto number = to_int(trim(member.content));
      if (!number) refuse("it is no integer");
      values[kind] = *number;
    } else {  // a picture, a sound: of no use here, and told as a key that is not used
      values[kind] = nullptr;
    }
  }

  Window window_;
  TarMembers members_;
  std::optional<TarMember> next_;
  int place_ = 0;
};

}  // namespace

extern const Container kWebDataset;
const Container kWebDataset{
    "webdataset",
    "a WebDataset archive",
    {".tar"},
    &is_tar,
    Container::Place::row,
    Container::Holds::binary,
    [](const DataFile& file) -> std::unique_ptr<RowReader> { return std::make_unique<Samples>(file); }};

}  // namespace pst::datafiles
