// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/data_file.hpp"
#include "support/temporary_directory.hpp"

namespace pst::datafiles::fixture {

/// What a reader gives, in its order: "3: {...}" for a record and "4! what is wrong" for a mistake.
inline std::vector<std::string> rows_of(const DataFile& file) {
  std::vector<std::string> all;
  const auto rows = file.rows();
  constexpr std::size_t kMost = 10'000;  // a reader that never ends is a failure
  while (all.size() < kMost) try {
      const auto row = rows->next();
      if (!row) return all;
      all.push_back(cat(rows->place(), ": ", row->values.dump()));
    } catch (const Error& error) {
      all.push_back(cat(rows->place(), "! ", error.message()));
    }
  throw Error(Fault::bug, "the reader does not end");
}

/// A folder of files that are written and read.
class Files {
 public:
  std::vector<std::string> read(const std::string& name, const std::string& content, const Reading& reading = {}) {
    write_durably(folder_ / name, content);
    return rows_of(DataFile::open((folder_ / name).string(), reading));
  }
  std::string told(const std::string& name, const std::string& content, const Reading& reading = {}) {
    write_durably(folder_ / name, content);
    return DataFile::open((folder_ / name).string(), reading).told();
  }
  /// "message | remedy" without the folder; "accepted" where it is opened.
  std::string refusal(const std::string& name, const std::string& content, const Reading& reading = {}) {
    write_durably(folder_ / name, content);
    try {
      DataFile::open((folder_ / name).string(), reading);
      return "accepted";
    } catch (const Error& error) {
      return cat(error.message().substr(folder_.path().string().size() + 1), " | ", error.remedy());
    }
  }
  fs::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  pst::fixture::TemporaryDirectory folder_;
};

}  // namespace pst::datafiles::fixture
