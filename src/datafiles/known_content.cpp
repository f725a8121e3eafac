// SPDX-License-Identifier: Apache-2.0
#include "datafiles/known_content.hpp"

#include <array>

#include "core/strings.hpp"

namespace pst::datafiles {
namespace {

using namespace std::string_view_literals;

struct Row {
  std::string_view begins;
  const char* what;
  const char* remedy;
  std::size_t at = 0;
};

constexpr const char* kUnpack = "unpack it, and name the files that were in it";
constexpr const char* kExport = "export it as CSV or JSON lines, and name that file";
constexpr const char* kNoData = "name the file with the data; this one holds none that can be learned";

constexpr std::array kRows = {
    Row{"version https://git-lfs.github.com/spec/"sv, "is a Git LFS pointer: the name of data, not the data",
        "git lfs install && git lfs pull in its checkout, or fetch the file by its `resolve/` address"},
    Row{"PK\x03\x04"sv, "is a ZIP archive or a document made of one (xlsx, docx)",
        "unzip it and name the files in it; a table of Excel is to be saved as CSV UTF-8"},
    Row{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "is a document of an old Office program (xls, doc)", kExport},
    Row{"7z\xbc\xaf\x27\x1c"sv, "is a 7z archive", kUnpack},
    Row{"Rar!\x1a\x07"sv, "is a RAR archive", kUnpack},
    Row{"\x04\x22\x4d\x18"sv, "is compressed by lz4", "lz4 -d it; .gz, .zst, .bz2 and .xz are read as they are"},
    Row{"\x1f\x9d"sv, "is compressed by compress (.Z)", "uncompress it; .gz, .zst, .bz2 and .xz are read as they are"},
    Row{"ORC"sv, "is an ORC file", "convert it to Parquet"},
    Row{"Obj\x01"sv, "is an Avro file", "convert it to Parquet or JSON lines"},
    Row{"SQLite format 3\0"sv, "is an SQLite database", kExport},
    Row{"\x89HDF\r\n\x1a\n"sv, "is an HDF5 file", kExport},
    Row{"\x93NUMPY"sv, "is an array of NumPy", kNoData},
    Row{"GGUF"sv, "is a GGUF model", kNoData},
    Row{"\x7f"
        "ELF"sv,
        "is a program", kNoData},
    Row{"%PDF-"sv, "is a PDF document", "extract its text first"},
    Row{"{\\rtf"sv, "is an RTF document", "save it as plain text"},
    Row{"\x89PNG\r\n\x1a\n"sv, "is a PNG picture", kNoData},
    Row{"\xff\xd8\xff"sv, "is a JPEG picture", kNoData},
    Row{"GIF8"sv, "is a GIF picture", kNoData},
    Row{"RIFF"sv, "is a sound, video or picture in RIFF (wav, webp, avi)", kNoData},
    Row{"ID3"sv, "is an MP3 sound", kNoData},
    Row{"OggS"sv, "is an Ogg sound", kNoData},
    Row{"ftyp"sv, "is an MP4 video", kNoData, 4},
};

/// A page of a web server in the place of a file: a viewer's, a login's, an error's.
bool is_page(std::string_view front) {
  if (front.starts_with("\xef\xbb\xbf")) front.remove_prefix(3);
  const std::string begin = lower(trim(front.substr(0, 512)));
  return begin.starts_with("<!doctype html") || begin.starts_with("<html");
}

}  // namespace

KnownContent known_content(std::string_view front) {
  for (const Row& row : kRows)
    if (front.size() >= row.at && front.substr(row.at).starts_with(row.begins)) return {row.what, row.remedy};
  // Protocol 2 and later of pickle; what torch.save wrote before it wrote ZIP archives begins so, too.
  if (front.size() > 2 && front[0] == '\x80' && front[1] >= 2 && front[1] <= 5)
    return {"is a pickle of Python", "write it as JSON lines in Python; a pickle is a program, and is not run here"};
  if (is_page(front))
    return {"is an HTML page, and no data: what a web server shows about a file, or an error",
            "fetch the file itself: on a hub its address has /resolve/ in the place of /blob/"};
  const std::string begin(trim(front.substr(0, 64)));
  if (begin.starts_with("<?xml")) return {"is an XML document", "convert it to JSON lines"};
  return {};
}

}  // namespace pst::datafiles
