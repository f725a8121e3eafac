// SPDX-License-Identifier: Apache-2.0
#include "datafiles/choose_rows.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <queue>
#include <tuple>
#include <utility>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/strings.hpp"

namespace pst::datafiles {
namespace {

/// 64 random bits for a record.
std::uint64_t key_of(const Rng& rng, std::int64_t number) {
  const auto at = static_cast<std::uint64_t>(number) * 2;
  return std::uint64_t{rng.word(at)} << 32 | rng.word(at + 1);
}

/// Records by their keys, in files that go away with the object.
class Buckets {
 public:
  Buckets(const std::string& beside, std::uint64_t bytes) {
    constexpr std::uint64_t kBucket = 64u << 20, kMost = 512;
    while (count_ < kMost && count_ * kBucket < bytes) count_ *= 2;
    std::string pattern = beside + ".shuffle-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      throw Error(Fault::io, cat("cannot make a folder beside ", beside), "look whether its folder may be written");
    folder_ = pattern;
    for (std::uint64_t i = 0; i < count_; ++i) files_.push_back(std::make_unique<AppendFile>(name(i)));
    pending_.resize(count_);
  }
  ~Buckets() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Buckets(const Buckets&) = delete;
  Buckets& operator=(const Buckets&) = delete;

  void add(std::uint64_t key, std::int64_t number, const std::string& text) {
    const std::uint64_t bucket = count_ == 1 ? 0 : key / (~std::uint64_t{0} / count_ + 1);
    std::string& pending = pending_[bucket];
    pending += cat(pending.empty() ? "" : "\n", key, " ", number, " ", text);
    constexpr std::size_t kPiece = std::size_t{1} << 16;
    if (pending.size() > kPiece) flush(bucket);
  }
  /// In the order of the keys.
  void each(const std::function<void(std::string_view)>& take) {
    for (std::uint64_t bucket = 0; bucket < count_; ++bucket) {
      flush(bucket);
      const std::string all = read_file(name(bucket), std::uint64_t{1} << 40);
      std::vector<std::tuple<std::uint64_t, std::int64_t, std::string_view>> rows;
      for (std::string_view rest = all; !rest.empty();) {
        const auto end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        const auto first = line.find(' '), second = line.find(' ', first + 1);
        rows.emplace_back(std::stoull(std::string(line.substr(0, first))),
                          std::stoll(std::string(line.substr(first + 1, second - first - 1))), line.substr(second + 1));
      }
      std::sort(rows.begin(), rows.end());
      for (const auto& [key, number, text] : rows) take(text);
      fs::remove(name(bucket));
    }
  }

 private:
  fs::path name(std::uint64_t bucket) const { return folder_ / std::to_string(bucket); }
  void flush(std::uint64_t bucket) {
    if (!pending_[bucket].empty()) files_[bucket]->append(pending_[bucket]);
    pending_[bucket].clear();
  }

  std::uint64_t count_ = 1;
  fs::path folder_;
  std::vector<std::unique_ptr<AppendFile>> files_;
  std::vector<std::string> pending_;
};

}  // namespace

Written sample_rows(RowSource& source, Bad bad, const Output& output, std::uint64_t count, std::uint64_t seed) {
  const Rng rng = Rng(seed).child("sample");
  std::priority_queue<std::pair<std::uint64_t, std::int64_t>> chosen;  // the smallest keys
  source.read(bad, [&](Row&, std::int64_t number) {
    chosen.emplace(key_of(rng, number), number);
    if (chosen.size() > count) chosen.pop();
    return true;
  });
  std::vector<std::int64_t> numbers;
  for (; !chosen.empty(); chosen.pop()) numbers.push_back(chosen.top().second);
  std::sort(numbers.begin(), numbers.end());
  return write_rows(source, bad, output, [&](const Row&, std::int64_t number) {
    return std::binary_search(numbers.begin(), numbers.end(), number);
  });
}

Written shuffle_rows(RowSource& source, Bad bad, const Output& output, std::uint64_t seed) {
  constexpr std::uint64_t kPacked = 100;  // what a compressed file may become: too few buckets would be too large
  const Rng rng = Rng(seed).child("shuffle");
  std::uint64_t bytes = 0;
  for (const DataFile& file : source.files())
    bytes += file.bytes().size() * (file.compression() != nullptr ? kPacked : 1);
  const WriterKind& kind = writer_for(output.path);
  refuse_own_input(source, output.path);
  Buckets buckets(output.path, bytes);
  Schema schema;
  Written written;
  source.read(bad, [&](Row& row, std::int64_t number) {
    if (kind.needs_schema) schema.see(row.values);
    buckets.add(key_of(rng, number), number, line_of(row));
    return true;
  });
  ShardedWriter writer(source, kind, output, &schema);
  buckets.each([&](std::string_view text) {
    writer.write(Row{kind.needs_schema ? parse_record(text) : Json::object(), text});
    ++written.records;
  });
  written.files = writer.finish();
  if (kind.needs_schema) written.schema = std::move(schema);
  return written;
}

std::vector<Part> parse_parts(const std::string& text) {
  std::vector<Part> parts;
  double sum = 0;
  for (const auto& item : split(text, ',')) {
    const auto equals = item.find('=');
    const auto share = equals == item.npos ? std::nullopt : to_double(item.substr(equals + 1));
    const std::string name = item.substr(0, equals);
    const bool is_word = !name.empty() && name.find_first_of("/{}") == name.npos && !name.starts_with(".");
    if (!share || !is_word || *share <= 0 || *share > 1)
      throw Error(Fault::usage, cat(quoted(item, 60), " is no part"), "write parts as train=0.9,test=0.1");
    for (const Part& other : parts)
      if (other.name == name)
        throw Error(Fault::usage, cat("there are two parts ", quoted(name, 60)), "name each once");
    parts.push_back({name, *share});
    sum += *share;
  }
  constexpr double kRounding = 1e-9;
  if (std::abs(sum - 1) > kRounding)
    throw Error(Fault::usage, cat("the parts' shares add up to ", number(sum)), "they must add up to 1");
  return parts;
}

std::vector<Written> split_rows(RowSource& source, Bad bad, const Output& output, const std::vector<Part>& parts,
                                const std::string& group, std::uint64_t seed) {
  const auto hole = output.path.find("{}");
  if (hole == output.path.npos)
    throw Error(Fault::usage, cat("the name ", quoted(output.path, 100), " has no {} for the parts' names"),
                "write it as parts/{}.jsonl");
  const Rng rng = Rng(seed).child("split");
  const Columns by_group = group.empty() ? Columns() : Columns({{"group", group}});
  const auto part_of = [&](const Row& row, std::int64_t number) {
    std::uint64_t key = key_of(rng, number);
    if (!group.empty()) {
      const std::string value = json_text(by_group.applied(row.values)["group"]);
      key = key_of(Rng(seed).child("split by group").child(value), 0);
    }
    const double at = std::ldexp(static_cast<double>(key >> 11), -53);
    double end = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i)
      if (at < (end += parts[i].share)) return i;
    return parts.size() - 1;
  };
  std::vector<Written> all;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Output part = output;
    part.path.replace(hole, 2, parts[i].name);
    all.push_back(
        write_rows(source, bad, part, [&](const Row& row, std::int64_t number) { return part_of(row, number) == i; }));
  }
  return all;
}

}  // namespace pst::datafiles
