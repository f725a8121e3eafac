// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "datafiles/output_file.hpp"
#include "datafiles/row_writer.hpp"

namespace pst::datafiles {

std::string line_of(const Row& row) {
  const bool is_one_line = !row.text.empty() && row.text.find_first_of("\r\n") == row.text.npos;
  return is_one_line ? std::string(row.text) : json_text(row.values);
}

namespace {

class LinesWriter final : public RowWriter {
 public:
  explicit LinesWriter(const WriterSettings& settings) : file_(settings.path) {}
  void write(const Row& row) override { file_.write(line_of(row) + "\n"); }
  void finish() override { file_.commit(); }
  std::uint64_t bytes() const override { return file_.text_bytes(); }

 private:
  OutputFile file_;
};

class ListWriter final : public RowWriter {
 public:
  explicit ListWriter(const WriterSettings& settings) : file_(settings.path) {}
  void write(const Row& row) override {
    file_.write(std::exchange(is_first_, false) ? "[\n" : ",\n");
    file_.write(line_of(row));
  }
  void finish() override {
    file_.write(is_first_ ? "[]\n" : "\n]\n");
    file_.commit();
  }
  std::uint64_t bytes() const override { return file_.text_bytes(); }

 private:
  OutputFile file_;
  bool is_first_ = true;
};

template <class Writer>
std::unique_ptr<RowWriter> open(const WriterSettings& settings) {
  return std::make_unique<Writer>(settings);
}

}  // namespace

extern const WriterKind kJsonLinesWriter, kJsonListWriter;
const WriterKind kJsonLinesWriter{"jsonl", {".jsonl", ".ndjson"}, false, &open<LinesWriter>};
const WriterKind kJsonListWriter{"json", {".json"}, false, &open<ListWriter>};

}  // namespace pst::datafiles
