// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/hdf5_image.hpp"

#include <hdf5.h>

#include <cstddef>
#include <cstring>
#include <mutex>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

/// Debian's libhdf5 is not for use by several threads at once, and ranks may be threads.
std::mutex& library() {
  static std::mutex mutex;
  return mutex;
}

[[noreturn]] void fail(const char* what) {
  std::string reason;  // of the innermost function, which comes last
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_DOWNWARD,
      [](unsigned, const H5E_error2_t* error, void* text) -> herr_t {
        *static_cast<std::string*>(text) = error->desc == nullptr ? "" : error->desc;
        return 0;
      },
      &reason);
  throw Error(Fault::bug, cat("HDF5 could not ", what, reason.empty() ? "" : ": ", reason),
              "is the installed libhdf5 the one this program was built with?");
}

template <herr_t (*close)(hid_t)>
class Handle {
 public:
  Handle(hid_t id, const char* what) : id_(id) {
    if (id_ < 0) fail(what);
  }
  ~Handle() {
    if (id_ >= 0) close(id_);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
};
using File = Handle<H5Fclose>;
using Properties = Handle<H5Pclose>;
using Space = Handle<H5Sclose>;
using Dataset = Handle<H5Dclose>;
using Group = Handle<H5Gclose>;

void check(herr_t status, const char* what) {
  if (status < 0) fail(what);
}

std::vector<hsize_t> sizes(const std::vector<std::int64_t>& shape, std::int64_t rows) {
  std::vector<hsize_t> all(shape.begin(), shape.end());
  if (all.empty()) all.push_back(1);  // neither a chunk nor a mapping can be without dimensions
  all[0] = static_cast<hsize_t>(rows);
  return all;
}

Space space_of(const std::vector<hsize_t>& size) {
  return Space(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr), "describe a shape");
}

/// Memory that libhdf5's in-memory driver writes a file to, and that outlives the file: it is the snapshot afterwards.
/// (H5Fget_file_image would be a second copy, and in 1.10 one with a superblock whose checksum does not fit.)
class Scratch {
 public:
  /// @param growth bytes to take at a time
  File create(std::size_t growth) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // what goes wrong is in our own message
    const Properties access(H5Pcreate(H5P_FILE_ACCESS), "make file properties");
    check(H5Pset_fapl_core(access, growth, /*backing_store=*/0), "keep a file in memory");
    H5FD_file_image_callbacks_t hands = {obtain, copy, resize, keep, same, forget, this};
    check(H5Pset_file_image_callbacks(access, &hands), "give memory to a file");
    // Version 1.10 of the format: its metadata has checksums of their own, and h5py of 2016 reads it.
    check(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), "choose the format's version");
    const Properties creation(H5Pcreate(H5P_FILE_CREATE), "make file properties");
    check(H5Pset_obj_track_times(creation, false), "leave out times");
    return File(H5Fcreate("checkpoint", H5F_ACC_TRUNC, creation, access), "make a file in memory");
  }

  /// The bytes of the closed file.
  Memory take() {
    // The driver takes memory in large pieces; where the file ends stands in its superblock (format specification II.A,
    // version 3: the end-of-file address follows signature, four bytes and two addresses).
    constexpr std::size_t kVersion = 8, kEnd = 28;
    const auto bytes = memory_.bytes();
    PST_ASSERT(bytes.size() > 48 && std::to_integer<int>(bytes[kVersion]) == 3, "HDF5 1.10 writes superblock 3");
    std::uint64_t end = 0;
    for (std::size_t i = 8; i-- > 0;) end = end << 8 | std::to_integer<std::uint64_t>(bytes[kEnd + i]);
    PST_ASSERT(end <= bytes.size(), "a file ends in its memory");
    memory_.resize(end);
    return std::move(memory_);
  }

 private:
  static void* resize(void*, std::size_t size, H5FD_file_image_op_t, void* self) {
    try {
      Memory& memory = static_cast<Scratch*>(self)->memory_;
      memory.resize(size);
      return memory.bytes().data();
    } catch (const Error&) {  // must not fly through C; libhdf5 reports the lack of memory
      return nullptr;
    }
  }
  static void* obtain(std::size_t size, H5FD_file_image_op_t op, void* self) { return resize(nullptr, size, op, self); }
  static void* copy(void* to, const void* from, std::size_t size, H5FD_file_image_op_t, void*) {
    return std::memcpy(to, from, size);
  }
  static herr_t keep(void*, H5FD_file_image_op_t, void*) { return 0; }
  static void* same(void* self) { return self; }
  static herr_t forget(void*) { return 0; }

  Memory memory_;
};

/// No times of creation: the same state makes the same bytes.
Properties dataset_properties() {
  Properties creation(H5Pcreate(H5P_DATASET_CREATE), "make dataset properties");
  check(H5Pset_obj_track_times(creation, false), "leave out times");
  return creation;
}

Properties utf8_names() {
  Properties links(H5Pcreate(H5P_LINK_CREATE), "make link properties");
  check(H5Pset_char_encoding(links, H5T_CSET_UTF8), "choose UTF-8");
  return links;
}

/// The groups that `name` lies in. Not left to H5Pset_create_intermediate_group, whose groups carry their time.
void make_groups(hid_t file, const std::string& name, hid_t links) {
  const Properties creation(H5Pcreate(H5P_GROUP_CREATE), "make group properties");
  check(H5Pset_obj_track_times(creation, false), "leave out times");
  for (auto end = name.find('/'); end != std::string::npos; end = name.find('/', end + 1)) {
    const std::string group = name.substr(0, end);
    if (H5Lexists(file, group.c_str(), H5P_DEFAULT) > 0) continue;
    const Group made(H5Gcreate2(file, group.c_str(), links, creation, H5P_DEFAULT), "make a group");
  }
}

void find_chunks(hid_t dataset, StoredShare& share) {
  const Space all(H5Dget_space(dataset), "look at a dataset");  // libhdf5 1.10 does not take H5S_ALL here
  hsize_t count = 0;
  check(H5Dget_num_chunks(dataset, all, &count), "count chunks");
  PST_ASSERT(count == static_cast<hsize_t>((share.rows + share.chunk_rows - 1) / share.chunk_rows),
             "early allocation makes every chunk");
  share.chunks.resize(count);
  for (hsize_t i = 0; i < count; ++i) {
    hsize_t place[H5S_MAX_RANK] = {};
    unsigned skipped_filters = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    check(H5Dget_chunk_info(dataset, all, i, place, &skipped_filters, &address, &size), "find a chunk");
    PST_ASSERT(address != HADDR_UNDEF && skipped_filters == 0 && size == share.chunk_bytes() + 4,
               "a chunk is its values and a checksum");
    share.chunks.at(place[0] / static_cast<hsize_t>(share.chunk_rows)) = address;
  }
}

hid_t type_of(Dtype stored) { return stored == Dtype::u8 ? H5T_STD_U8LE : H5T_IEEE_F32LE; }

StoredShare add_share(hid_t file, const TensorSpec& tensor, Rows rows) {
  StoredShare share{tensor, rows.begin, rows.count(), chunk_rows_of(rows.count(), row_values(tensor.shape)), {}};
  const Properties creation = dataset_properties(), links = utf8_names();
  make_groups(file, tensor.name, links);
  const auto chunk = sizes(tensor.shape, share.chunk_rows);
  check(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()), "choose a chunk's shape");
  check(H5Pset_fletcher32(creation), "ask for checksums");
  check(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), "ask for early allocation");
  const Dataset dataset(H5Dcreate2(file, tensor.name.c_str(), type_of(tensor.dtype),
                                   space_of(sizes(tensor.shape, share.rows)), links, creation, H5P_DEFAULT),
                        "make a dataset");
  find_chunks(dataset, share);
  return share;
}

void add_virtual(hid_t file, const TensorSpec& tensor, const std::vector<Rows>& shares) {
  const Properties creation = dataset_properties(), links = utf8_names();
  make_groups(file, tensor.name, links);
  const std::int64_t rows = rows_of(tensor.shape);
  const Space whole = space_of(sizes(tensor.shape, rows));
  for (std::size_t rank = 0; rank < shares.size() && row_values(tensor.shape) > 0; ++rank) {
    const Rows share = shares[rank];
    if (share.count() == 0) continue;
    const auto size = sizes(tensor.shape, share.count());
    std::vector<hsize_t> start(size.size(), 0);
    start[0] = static_cast<hsize_t>(share.begin);
    check(H5Sselect_hyperslab(whole, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr), "select rows");
    // A relative name is looked up in the folder of state.h5 itself: the checkpoint may be moved and copied.
    check(H5Pset_virtual(creation, whole, cat("rank-", rank, ".h5").c_str(), tensor.name.c_str(), space_of(size)),
          "map rows to a rank's file");
  }
  check(H5Sselect_all(whole), "select all rows");
  const Dataset dataset(
      H5Dcreate2(file, tensor.name.c_str(), type_of(tensor.dtype), whole, links, creation, H5P_DEFAULT),
      "make a dataset");
}

}  // namespace

Hdf5Image rank_image(const std::vector<TensorSpec>& tensors, const Division& division, int rank) {
  const std::lock_guard lock(library());
  const auto rows_at = [&](std::size_t tensor) { return division.at(tensor).at(static_cast<std::size_t>(rank)); };
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    bytes += size_of(tensors[i].dtype) * static_cast<std::size_t>(rows_at(i).count() * row_values(tensors[i].shape));
  Scratch scratch;
  Hdf5Image image;
  {
    const File file = scratch.create(bytes + 2048 * tensors.size() + (1 << 20));
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (rows_at(i).count() > 0 && row_values(tensors[i].shape) > 0)
        image.shares.push_back(add_share(file, tensors[i], rows_at(i)));
  }
  image.memory = scratch.take();
  return image;
}

Hdf5Image state_image(const std::vector<TensorSpec>& tensors, const Division& division) {
  const std::lock_guard lock(library());
  Scratch scratch;
  {
    const File file = scratch.create(1 << 20);
    for (std::size_t i = 0; i < tensors.size(); ++i) add_virtual(file, tensors[i], division.at(i));
  }
  return {scratch.take(), {}};
}

}  // namespace pst::checkpoint
