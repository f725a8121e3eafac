// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/rank_index.hpp"

#include <nlohmann/json.hpp>

#include "checkpoint/json_reader.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "weights/json.hpp"

namespace pst::checkpoint {
namespace {

StoredShare read_share(const nlohmann::json& object, std::uint64_t end, const std::string& name) {
  const JsonReader json(object, name);
  StoredShare share;
  share.tensor = {json.text("name"), json.shape("shape")};
  const auto refuse = [&](const char* what) {
    throw Error(Fault::data, cat(name, ": the index's entry for ", quoted(share.tensor.name), " has ", what));
  };
  const std::int64_t rows = rows_of(share.tensor.shape);
  share.first_row = json.integer("first_row");
  share.rows = json.integer("rows");
  share.chunk_rows = json.integer("chunk_rows");
  if (share.first_row < 0 || share.rows < 1 || share.rows > rows || share.first_row > rows - share.rows ||
      row_values(share.tensor.shape) == 0)
    refuse("rows that the tensor does not have");
  if (share.chunk_rows < 1 || share.chunk_rows > share.rows) refuse("chunks of no possible size");
  const auto chunks = static_cast<std::uint64_t>((share.rows + share.chunk_rows - 1) / share.chunk_rows);
  const auto& offsets = json.list("chunks");
  if (offsets.size() != chunks) refuse("another number of chunks than its rows make");
  // rows and row size are below 2^44 each, as is their product; the padding less than doubles it: no overflow.
  const std::uint64_t bytes = share.chunk_bytes() + 4;
  for (const auto& offset : offsets) {
    if (!offset.is_number_unsigned()) refuse("a chunk without a place");
    share.chunks.push_back(offset.get<std::uint64_t>());
    if (bytes > end || share.chunks.back() > end - bytes) refuse("a chunk beyond the end of the file");
  }
  return share;
}

}  // namespace

std::string write_index(const RankIndex& index) {
  nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
  for (const auto& share : index.shares)
    tensors.push_back({{"name", share.tensor.name},
                       {"shape", share.tensor.shape},
                       {"first_row", share.first_row},
                       {"rows", share.rows},
                       {"chunk_rows", share.chunk_rows},
                       {"chunks", share.chunks}});
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
  const nlohmann::json object = weights::parse_json(text, cat(name, " (index)"));
  const JsonReader json(object, cat(name, " (index)"));
  if (json.integer("format") != 1)
    throw Error(Fault::data, cat(name, " has an index of format ", json.integer("format"), "; this program reads 1"));
  RankIndex index;
  index.ranks = static_cast<int>(json.integer("ranks", 1, kMostRanks));
  index.rank = static_cast<int>(json.integer("rank", 0, index.ranks - 1));
  for (const auto& share : json.list("tensors")) index.shares.push_back(read_share(share, end, name));
  return index;
}

}  // namespace pst::checkpoint
