// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What ranks and supervisor say to each other: lines of ASCII over TCP or a Unix socket, each at most kMaxLine bytes.
///
///   rank        hello <token> <attempt> <rank> <pid> <host>      once, first
///               beat <step> <phase>                              every second
///   supervisor  ok                                               to each hello and beat
///               stop | die | stacks                              at any time
///
/// Whatever else arrives ends the connection: a port that is open to a cluster's network hears strange things.
namespace pst::heartbeat {

constexpr std::size_t kMaxLine = 512;
constexpr int kWatcher = -1;  ///< the "rank" of a watcher on another node: it is answered, and never given an order

enum class Phase {
  joining,  ///< inside MPI_Init: ranks find one another
  starting,
  studying,  ///< in turn with `starting`: data are looked at for the adapter's start, a pass after the other
  training,
  evaluating,
  saving,
  finishing
};
enum class Order {
  stop,   ///< save a checkpoint at the next step edge and end with status 76
  die,    ///< end now: another attempt takes over
  stacks  ///< print where the main thread is
};

const char* name_of(Phase phase);
const char* name_of(Order order);

struct Hello {
  std::string token;
  int attempt = 0;
  int rank = 0;
  std::int64_t pid = 0;
  std::string host;
};
struct Beat {
  std::int64_t step = 0;
  Phase phase = Phase::joining;
};

std::string to_line(const Hello& hello);  ///< with the newline
std::string to_line(const Beat& beat);
std::optional<Hello> parse_hello(std::string_view line);  ///< nothing for a line of any other form
std::optional<Beat> parse_beat(std::string_view line);
std::optional<Order> parse_order(std::string_view line);

/// Takes as long for a wrong first byte as for a wrong last one, so that a token cannot be guessed piece by piece.
bool same_token(std::string_view a, std::string_view b);

/// Cuts what arrives into lines.
class LineBuffer {
 public:
  /// The lines that are complete now. @return nothing when one is longer than kMaxLine: the other side is no friend
  std::optional<std::vector<std::string>> add(std::string_view bytes);

 private:
  std::string rest_;
};

}  // namespace pst::heartbeat
