// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/rank_index.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "checkpoint/json_shape.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

StoredShare read_share(const json::Object& json, std::uint64_t end) {
  StoredShare share;
  const auto word = json.get("dtype");  // those of f32 do without
  const auto dtype = stored_dtype(word ? word->text() : "F32");
  if (!dtype) json.refuse("dtype", "is another than F32 and U8, of which a checkpoint is");
  share.tensor = {json.at("name").text(), read_shape(json.at("shape")), *dtype};
  const auto refuse = [&](const char* what) {
    json.node().refuse(cat(", the entry for ", quoted(share.tensor.name), ", has ", what));
  };
  const std::int64_t rows = rows_of(share.tensor.shape);
  share.first_row = json.at("first_row").whole();
  share.rows = json.at("rows").whole();
  share.chunk_rows = json.at("chunk_rows").whole();
  if (share.first_row < 0 || share.rows < 1 || share.rows > rows || share.first_row > rows - share.rows ||
      row_values(share.tensor.shape) == 0)
    refuse("rows that the tensor does not have");
  if (share.chunk_rows < 1 || share.chunk_rows > share.rows) refuse("chunks of no possible size");
  const auto chunks = static_cast<std::uint64_t>((share.rows + share.chunk_rows - 1) / share.chunk_rows);
  // rows and row size are below 2^44 each, as is their product; the padding less than doubles it: no overflow.
  const std::uint64_t bytes = share.chunk_bytes() + 4;
  if (bytes > end) refuse("chunks beyond the end of the file");
  const auto offsets = json.at("chunks").wholes(0, static_cast<std::int64_t>(end - bytes));
  if (offsets.size() != chunks) refuse("another number of chunks than its rows make");
  share.chunks.assign(offsets.begin(), offsets.end());
  return share;
}

/// Each chunk has bytes of its own. A file of a megabyte could otherwise claim tensors of any size, every chunk being
/// the same one.
void check_chunks_are_apart(const std::vector<StoredShare>& shares, const std::string& name) {
  struct Place {
    std::uint64_t begin, end;
    const StoredShare* share;
  };
  std::vector<Place> places;
  for (const auto& share : shares)
    for (const auto offset : share.chunks) places.push_back({offset, offset + share.chunk_bytes() + 4, &share});
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < places.size(); ++i)
    if (places[i].begin < places[i - 1].end)
      throw Error(Fault::data,
                  cat(name, " (index): two chunks have bytes in common at byte ", places[i].begin, ": of ",
                      quoted(places[i - 1].share->tensor.name), " and of ", quoted(places[i].share->tensor.name)));
}

}  // namespace

std::string write_index(const RankIndex& index) {
  nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
  for (const auto& share : index.shares) {
    tensors.push_back({{"name", share.tensor.name},
                       {"shape", share.tensor.shape},
                       {"first_row", share.first_row},
                       {"rows", share.rows},
                       {"chunk_rows", share.chunk_rows},
                       {"chunks", share.chunks}});
    if (share.tensor.dtype != Dtype::f32) tensors.back()["dtype"] = word_of(share.tensor.dtype);
  }
  const nlohmann::ordered_json all = {
      {"format", 1}, {"rank", index.rank}, {"ranks", index.ranks}, {"tensors", tensors}};
  std::string text = all.dump();
  if (text.size() > kMostIndexBytes)
    throw Error(Fault::unfit,
                cat("the index of a checkpoint file would be ", human_bytes(text.size()), "; at most ",
                    human_bytes(kMostIndexBytes), " can be read again"),
                "use more ranks");
  const std::uint64_t length = text.size();
  for (int i = 0; i < 8; ++i) text += static_cast<char>(length >> (8 * i) & 0xff);
  text += kIndexMagic;
  return text;
}

RankIndex parse_index(std::string_view text, std::uint64_t end, const std::string& name) {
  const json::Document document{std::string(text), cat(name, " (index)")};
  const json::Object json = document.object();
  if (const auto format = json.at("format").whole(); format != 1)
    throw Error(Fault::data, cat(name, " has an index of format ", format, "; this program reads 1"));
  RankIndex index;
  index.ranks = json.at("ranks").small_whole(1, kMostRanks);
  index.rank = json.at("rank").small_whole(0, index.ranks - 1);
  for (const auto& share : json.at("tensors").list()) index.shares.push_back(read_share(share.object(), end));
  check_chunks_are_apart(index.shares, name);
  return index;
}

}  // namespace pst::checkpoint
