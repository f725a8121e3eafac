// SPDX-License-Identifier: Apache-2.0
#include "comm_mpi/mpi_communicator.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <exception>

#include "comm/local_communicator.hpp"
#include "comm_mpi/mpi_progress.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::comm {
namespace {

const char* const kRemedy =
    "set slurm.mpi to pmix (`srun --mpi=list` shows what this Slurm has), or start with mpirun of the same MPI";

void check(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  throw Error(Fault::transient, cat(call, " failed: ", std::string(text.data(), static_cast<std::size_t>(length))));
}

/// How a number of bytes is told to a call that counts with int: a message beyond 2 GiB in pieces of 64 bytes.
struct Amount {
  int count;
  MPI_Datatype type;
};

bool started() {
  int answer = 0;
  return MPI_Initialized(&answer) == MPI_SUCCESS && answer != 0;
}

class MpiCommunicator final : public Communicator {
 public:
  /// @param owned  whether the handle is freed with this object
  MpiCommunicator(std::string name, MPI_Comm group, bool owned, int rank, int size,
                  std::shared_ptr<MpiProgress> progress, MPI_Datatype pieces)
      : Communicator(std::move(name), rank, size),
        group_(group),
        owned_(owned),
        progress_(std::move(progress)),
        pieces_(pieces) {}
  ~MpiCommunicator() override {
    int finalized = 0;
    if (!owned_ || std::uncaught_exceptions() != 0) return;  // on the way to MPI_Abort nobody frees anything
    const std::lock_guard lock(progress_->calls());
    if (MPI_Finalized(&finalized) == MPI_SUCCESS && finalized == 0) MPI_Comm_free(&group_);
  }

 private:
  // Values travel as bytes: every rank is the same program on the same kind of machine.
  void do_barrier() override {
    call("MPI_Barrier", [&] { return MPI_Barrier(group_); });
  }
  void do_broadcast(View inout, int root) override {
    const Amount all = amount(inout.bytes());
    call("MPI_Bcast", [&] { return MPI_Bcast(inout.data, all.count, all.type, root, group_); });
  }
  void do_all_gather(ConstView mine, View all) override {
    const Amount share = amount(mine.bytes());
    call("MPI_Allgather",
         [&] { return MPI_Allgather(mine.data, share.count, share.type, all.data, share.count, share.type, group_); });
  }
  Pending do_all_gather_begin(ConstView mine, View all) override {
    const Amount share = amount(mine.bytes());
    std::shared_ptr<MpiProgress::Operation> operation;
    call("MPI_Iallgather", [&] {
      MPI_Request request = MPI_REQUEST_NULL;
      const int status =
          MPI_Iallgather(mine.data, share.count, share.type, all.data, share.count, share.type, group_, &request);
      if (status == MPI_SUCCESS) operation = progress_->follow(request);
      return status;
    });
    return Pending([operation, progress = progress_] { check(progress->wait(*operation), "MPI_Iallgather"); });
  }
  void do_all_to_all(ConstView out, View in) override {
    const Amount share = amount(out.bytes() / static_cast<std::size_t>(size()));
    call("MPI_Alltoall",
         [&] { return MPI_Alltoall(out.data, share.count, share.type, in.data, share.count, share.type, group_); });
  }
  std::unique_ptr<Communicator> do_split(const std::string& name, int color) override {
    MPI_Comm part = MPI_COMM_NULL;
    int rank_there = 0, size_there = 1;
    call("MPI_Comm_split", [&] { return MPI_Comm_split(group_, color, rank(), &part); });
    call("MPI_Comm_rank", [&] { return MPI_Comm_rank(part, &rank_there); });
    call("MPI_Comm_size", [&] { return MPI_Comm_size(part, &size_there); });
    return std::make_unique<MpiCommunicator>(name, part, true, rank_there, size_there, progress_, pieces_);
  }
  void do_send(int to, ConstView out) override {
    const Amount all = amount(out.bytes());
    call("MPI_Send", [&] { return MPI_Send(out.data, all.count, all.type, to, 0, group_); });
  }
  void do_receive(int from, View in) override {
    const Amount all = amount(in.bytes());
    call("MPI_Recv", [&] { return MPI_Recv(in.data, all.count, all.type, from, 0, group_, MPI_STATUS_IGNORE); });
  }

  template <class Call>
  void call(const char* name, Call&& body) {
    const std::lock_guard lock(progress_->calls());
    check(body(), name);
  }
  Amount amount(std::size_t bytes) const {
    if (bytes <= static_cast<std::size_t>(INT_MAX)) return {static_cast<int>(bytes), MPI_BYTE};
    if (bytes % kPiece != 0 || bytes / kPiece > static_cast<std::size_t>(INT_MAX))
      throw Error(Fault::bug, cat("a message of ", human_bytes(bytes), " is larger than one MPI call carries"));
    return {static_cast<int>(bytes / kPiece), pieces_};
  }

 public:
  static constexpr std::size_t kPiece = 64;

 private:
  MPI_Comm group_;
  bool owned_;
  std::shared_ptr<MpiProgress> progress_;
  MPI_Datatype pieces_;
};

}  // namespace

int promised_ranks(Getenv getenv) {
  for (const char* const name : {"PST_RANKS", "SLURM_STEP_NUM_TASKS"}) {
    const char* const text = getenv(name);
    if (text == nullptr) continue;
    if (const auto value = to_int(text); value && *value > 0 && *value < INT_MAX) return static_cast<int>(*value);
  }
  return 0;
}

bool has_meeting_point(Getenv getenv) {
  for (const char* const name : {"PMIX_RANK", "PMIX_NAMESPACE", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_FD"})
    if (getenv(name) != nullptr) return true;
  return false;
}

MpiSession::MpiSession() {
  const Getenv environment = [](const char* name) -> const char* { return std::getenv(name); };
  const int promised = promised_ranks(environment);
  if (promised > 1 && !has_meeting_point(environment))
    throw Error(Fault::usage,
                cat("the launcher started ", promised, " ranks, but gave them no way to find one another"), kRemedy);

  if (promised <= 1 && !has_meeting_point(environment)) {
    world_ = solo();  // MPI is not asked: for one process it would start a daemon, and need an installation of its own
    return;
  }

  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS)
    throw Error(Fault::transient, "MPI could not be initialised");
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int rank = 0, size = 1;
  check(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
  check(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");

  if (promised != 0 && promised != size) {
    MPI_Finalize();
    throw Error(
        Fault::usage,
        cat("the launcher started ", promised, " ranks, but MPI sees ", size, ": they would not know of one another"),
        kRemedy);
  }

  MPI_Comm local = MPI_COMM_NULL;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &local), "MPI_Comm_split_type");
  check(MPI_Comm_rank(local, &local_rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(local, &local_size_), "MPI_Comm_size");
  node_root_ = rank;
  check(MPI_Bcast(&node_root_, 1, MPI_INT, 0, local), "MPI_Bcast");
  check(MPI_Comm_free(&local), "MPI_Comm_free");
  MPI_Datatype pieces = MPI_DATATYPE_NULL;
  check(MPI_Type_contiguous(MpiCommunicator::kPiece, MPI_BYTE, &pieces), "MPI_Type_contiguous");
  check(MPI_Type_commit(&pieces), "MPI_Type_commit");
  world_ = std::make_unique<MpiCommunicator>("world", MPI_COMM_WORLD, false, rank, size,
                                             std::make_shared<MpiProgress>(provided >= MPI_THREAD_SERIALIZED), pieces);
}

std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");  // allowed before MPI_Init
  return split(std::string(text.data(), static_cast<std::size_t>(length)), ',')[0];
}

MpiSession::~MpiSession() {
  if (!world_ || std::uncaught_exceptions() != 0) return;
  world_.reset();  // and with it the thread that may be inside MPI
  if (started()) MPI_Finalize();
}

void MpiSession::abort(int status) {
  if (started()) MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

}  // namespace pst::comm
