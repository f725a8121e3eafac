// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/survivors.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <fstream>
#include <thread>

#include "core/clock.hpp"
#include "core/strings.hpp"

namespace pst::comm {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const fs::path& folder, int rank) { return folder / cat("rank-", rank); }

void write_note(const fs::path& folder, const RollCallNote& note) {
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  const fs::path whole = file_of(folder, note.rank), part = whole.string() + ".part";
  std::ofstream(part) << note.operation << '\n' << note.own_failure << '\n';
  fs::rename(part, whole, ignored);
}

std::optional<RollCallNote> read_note(const fs::path& folder, int rank) {
  std::ifstream in(file_of(folder, rank));
  std::string number, failure;
  if (!std::getline(in, number)) return std::nullopt;
  const auto operation = to_int(number);
  if (!operation) return std::nullopt;
  std::getline(in, failure);
  return RollCallNote{rank, *operation, failure.substr(0, 500)};
}

std::string named(const std::vector<Peer>& peers, int rank) {
  return cat("rank ", rank, " on ", peers[static_cast<std::size_t>(rank)].host());
}

std::string named(const std::vector<Peer>& peers, const std::vector<int>& ranks) {
  std::vector<std::string> names;
  for (const int rank : ranks) names.push_back(named(peers, rank));
  if (names.size() > 8) {
    const auto more = names.size() - 8;
    names.resize(8);
    return cat(join(names, ", "), " and ", more, " more");
  }
  return join(names, ", ");
}

/// Whether `word` stands in `text` by itself: gpu-1 is not meant by gpu-12, nor 10.0.0.1 by 10.0.0.12.
bool mentions(const std::string& text, const std::string& word) {
  const auto part_of_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
  };
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !part_of_name(text[at - 1])) && (end == text.size() || !part_of_name(text[end]))) return true;
  }
  return false;
}

}  // namespace

std::vector<RollCallNote> call_roll(const fs::path& folder, const RollCallNote& mine, int ranks, double patience_s) {
  write_note(folder, mine);
  const double end = monotonic_seconds() + patience_s;
  std::vector<RollCallNote> notes;
  for (;;) {
    notes.clear();
    for (int rank = 0; rank < ranks; ++rank)
      if (auto note = rank == mine.rank ? std::optional(mine) : read_note(folder, rank))
        notes.push_back(*std::move(note));
    if (static_cast<int>(notes.size()) == ranks || monotonic_seconds() >= end) return notes;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool roll_was_called(const fs::path& folder) {
  std::error_code ignored;
  return !folder.empty() && fs::exists(folder, ignored);
}

std::string blame(const std::vector<Peer>& peers, int me, const std::vector<RollCallNote>& notes,
                  const std::vector<int>& awaited, const std::string& library_text) {
  if (!notes.empty()) {
    for (const auto& note : notes)
      if (!note.own_failure.empty() && note.rank != me)
        return cat(named(peers, note.rank), " failed: ", note.own_failure);

    std::vector<int> silent;
    for (int rank = 0; rank < static_cast<int>(peers.size()); ++rank)
      if (std::none_of(notes.begin(), notes.end(), [&](const auto& note) { return note.rank == rank; }))
        silent.push_back(rank);
    if (!silent.empty()) return cat(named(peers, silent), silent.size() == 1 ? " does" : " do", " not answer any more");

    const auto by_operation = [](const auto& a, const auto& b) { return a.operation < b.operation; };
    const auto [least, most] = std::minmax_element(notes.begin(), notes.end(), by_operation);
    if (least->operation < most->operation) {
      std::vector<int> behind;
      for (const auto& note : notes)
        if (note.operation == least->operation) behind.push_back(note.rank);
      return cat("all ranks are alive, but ", named(peers, behind), " had begun operation ", least->operation,
                 " when others had begun ", most->operation);
    }
    return "all ranks are alive and began this operation: the link between them is suspect";
  }
  if (awaited.size() == 1) return cat(named(peers, awaited.front()), " did not come, or its link is gone");
  std::vector<int> mentioned;
  for (const int rank : awaited)
    for (const auto& where : peers[static_cast<std::size_t>(rank)].where)
      if (mentions(library_text, where)) {
        mentioned.push_back(rank);
        break;
      }
  if (!mentioned.empty()) return cat("NCCL's message has the address of ", named(peers, mentioned));
  return cat("which of ", named(peers, awaited), " it was is not known to this rank");
}

}  // namespace pst::comm
