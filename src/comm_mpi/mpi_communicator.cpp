#include "comm_mpi/mpi_communicator.hpp"

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <exception>

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

int int_of(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(INT_MAX))
    throw Error(Fault::bug, cat("a message of ", human_bytes(bytes), " is larger than one MPI call carries"));
  return static_cast<int>(bytes);
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(MPI_Comm group, int rank, int size) : Communicator("world", rank, size), group_(group) {}

 private:
  // Values travel as bytes: every rank is the same program on the same kind of machine.
  void do_barrier() override { check(MPI_Barrier(group_), "MPI_Barrier"); }
  void do_broadcast(View inout, int root) override {
    check(MPI_Bcast(inout.data, int_of(inout.bytes()), MPI_BYTE, root, group_), "MPI_Bcast");
  }
  void do_all_gather(ConstView mine, View all) override {
    const int bytes = int_of(mine.bytes());
    check(MPI_Allgather(mine.data, bytes, MPI_BYTE, all.data, bytes, MPI_BYTE, group_), "MPI_Allgather");
  }
  void do_all_to_all(ConstView out, View in) override {
    const int share = int_of(out.bytes() / static_cast<std::size_t>(size()));
    check(MPI_Alltoall(out.data, share, MPI_BYTE, in.data, share, MPI_BYTE, group_), "MPI_Alltoall");
  }
  void do_send(int to, ConstView out) override {
    check(MPI_Send(out.data, int_of(out.bytes()), MPI_BYTE, to, 0, group_), "MPI_Send");
  }
  void do_receive(int from, View in) override {
    check(MPI_Recv(in.data, int_of(in.bytes()), MPI_BYTE, from, 0, group_, MPI_STATUS_IGNORE), "MPI_Recv");
  }

  MPI_Comm group_;
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

  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
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
  world_ = std::make_unique<MpiCommunicator>(MPI_COMM_WORLD, rank, size);
}

std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");  // allowed before MPI_Init
  return split(std::string(text.data(), static_cast<std::size_t>(length)), ',')[0];
}

MpiSession::~MpiSession() {
  if (world_ && std::uncaught_exceptions() == 0) MPI_Finalize();
}

void MpiSession::abort(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

}  // namespace pst::comm
