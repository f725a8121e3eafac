// SPDX-License-Identifier: Apache-2.0
#include "fuzz/driver.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "source_tree.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
/// The address sanitizer keeps up to 256 MB of freed memory to find its late use; 16 are enough here, where an object
/// lives as long as one input, and leave the peak to what the reader takes.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=16:allocator_may_return_null=0"; }
#endif

namespace pst::fuzz {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr double kSlower = 5;
#else
constexpr double kSlower = 1;
#endif
/// An input that computes for so long hangs. The time on the wall says nothing: the machine is shared.
constexpr int kHangs_s = 300;
/// One that does not compute, and does not end either, waits for something.
constexpr unsigned kWaits_s = 7200;

// For the handler of a crash, which says how to repeat it.
std::int64_t now_at = 0;
std::uint64_t now_seed = 0;

void say_where() {
  char text[120];
  const int length = std::snprintf(text, sizeof text, "\nin input %lld: repeat it with --seed %llu --only %lld\n",
                                   static_cast<long long>(now_at), static_cast<unsigned long long>(now_seed),
                                   static_cast<long long>(now_at));
  [[maybe_unused]] const auto written = ::write(2, text, static_cast<std::size_t>(length));
}
void on_signal(int number) {
  say_where();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

/// From now, until the next call: SIGPROF after `computed_s` of this process's CPU time, SIGALRM after `passed_s`.
void limit_next_input(int computed_s, unsigned passed_s) {
  const itimerval timer = {.it_interval = {}, .it_value = {.tv_sec = computed_s, .tv_usec = 0}};
  ::setitimer(ITIMER_PROF, &timer, nullptr);
  ::alarm(passed_s);
}

/// Peak of resident memory since the last call, in MiB.
std::size_t peak_since_last_mib() {
  std::ifstream status("/proc/self/status");
  std::size_t peak = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      peak = static_cast<std::size_t>(std::strtoull(line.c_str() + 6, nullptr, 10)) / 1024;
  std::ofstream("/proc/self/clear_refs") << "5";
  return peak;
}

/// Numbers at the edges of types, and signs of every format.
constexpr std::string_view kEverywhere[] = {"-1",
                                            "0",
                                            "1e999",
                                            "-1e999",
                                            "2147483648",
                                            "-2147483649",
                                            "4294967298",
                                            "9223372036854775807",
                                            "9223372036854775808",
                                            "18446744073709551615",
                                            "18446744073709551616",
                                            "0.5",
                                            "1e-320",
                                            "NaN",
                                            "null",
                                            "true",
                                            "\"",
                                            "'",
                                            "\\",
                                            "\\u0000",
                                            "\\ud800",
                                            "[",
                                            "]",
                                            "{",
                                            "}",
                                            "(",
                                            ")",
                                            ",",
                                            ":",
                                            ";",
                                            "\n",
                                            "\r",
                                            "\t",
                                            " ",
                                            "\x1b[31m",
                                            "\xff",
                                            "\xc3\xa9",
                                            "\xe2\x80\xa8",
                                            "\xf0\x9f\x98\x80",
                                            "..",
                                            "/",
                                            "$",
                                            "|",
                                            "&",
                                            "*",
                                            "!",
                                            "#",
                                            "%",
                                            "- ",
                                            "? "};

class Mutator {
 public:
  Mutator(const Part& part, Draw& draw) : part_(part), draw_(draw) {}

  std::string make() {
    if (!part_.bombs.empty() && draw_.one_in(8)) {
      std::string text = draw_.of(part_.bombs)(draw_);
      if (draw_.one_in(2)) once(text);
      return text;
    }
    std::string text = draw_.of(part_.seeds);
    for (std::size_t i = 0, times = 1 + draw_.below(4); i < times; ++i) once(text);
    return text;
  }

 private:
  static constexpr std::size_t kLongest = 1 << 20;

  std::string word() {
    if (!part_.words.empty() && draw_.below(3) > 0) return draw_.of(part_.words);
    if (draw_.one_in(20)) return std::string(1, static_cast<char>(draw_.below(256)));
    return std::string(draw_.of(kEverywhere));
  }
  void once(std::string& text) {
    const std::size_t at = draw_.below(text.size() + 1);
    switch (draw_.below(10)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ 1 << draw_.below(8));
        break;
      case 1: text.resize(at); break;
      case 2:
      case 3: text.insert(at, word()); break;
      case 4: text.erase(at, draw_.size(64)); break;
      case 5: text.insert(at, text.substr(draw_.below(text.size() + 1), draw_.size(200))); break;
      case 6: {  // instead of a word
        const auto is_word = [&](std::size_t i) {
          return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
        };
        std::size_t begin = at, end = at;
        while (begin > 0 && is_word(begin - 1)) --begin;
        while (is_word(end)) ++end;
        text.replace(begin, end - begin, word());
        break;
      }
      case 7: {  // one piece many times
        const std::string piece = text.substr(at, draw_.size(40));
        const std::size_t times = std::min(draw_.size(20'000), kLongest / (piece.size() + 1));
        text.insert(at, repeated(piece, times));
        break;
      }
      case 8: text.insert(at, repeated(word(), draw_.size(10'000))); break;
      default: {  // what stands around it, with something of another good one
        const std::string& other = draw_.of(part_.seeds);
        text.insert(at, other.substr(draw_.below(other.size() + 1), draw_.size(400)));
      }
    }
    if (text.size() > kLongest) text.resize(kLongest);
  }

  const Part& part_;
  Draw& draw_;
};

struct Verdict {
  bool refused = false;
  std::string failure;
  double seconds = 0;
};

Verdict look(const Target& target, const Part& part, const std::string& input) {
  Verdict verdict;
  const double start_s = thread_cpu_seconds();
  try {
    target.read(part, input);
  } catch (const Error& error) {
    verdict.refused = true;
    if (!target.expected.contains(error.fault()))
      verdict.failure = cat("an error of the kind '", name_of(error.fault()), "': ", error.what());
    else if (std::string(error.what()).size() > 20'000)
      verdict.failure = "a message of more than 20,000 bytes";
  } catch (const std::exception& error) {
    verdict.failure = cat("another exception: ", error.what());
  }
  verdict.seconds = thread_cpu_seconds() - start_s;
  return verdict;
}

}  // namespace

std::size_t Draw::size(std::size_t most) {
  const auto bits = static_cast<std::size_t>(std::bit_width(most));
  return 1 + below(std::min(most, std::size_t{1} << (1 + below(bits))));
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

void put(const std::filesystem::path& file, const std::string& content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

std::vector<std::string> files_below(const char* folder) {
  std::vector<std::string> all;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(PST_SOURCE_DIR) / folder))
    if (entry.path().extension() == ".yaml") all.push_back(read_file(entry.path()));
  std::sort(all.begin(), all.end());
  return all;
}

int run(int argc, char** argv, const Target& target) {
  std::int64_t mutations = 1000, only = -1, cpu_s = std::numeric_limits<std::int64_t>::max();
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto value = to_int(argv[i + 1]);
    const std::string_view option = argv[i];
    if (!value || (option != "--mutations" && option != "--cpu-s" && option != "--seed" && option != "--only"))
      return 64;
    if (option == "--cpu-s") cpu_s = *value;
    if (option == "--mutations") mutations = *value;
    if (option == "--seed") now_seed = static_cast<std::uint64_t>(*value);
    if (option == "--only") only = *value;
  }
#ifdef __SANITIZE_ADDRESS__
  __asan_set_death_callback(say_where);
#else
  for (const int number : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS}) std::signal(number, on_signal);
#endif
  for (const int number : {SIGPROF, SIGALRM}) std::signal(number, on_signal);

  std::int64_t refused = 0, taken = 0, failures = 0, slowest_at = 0, largest_at = 0;
  double slowest_s = 0;
  std::size_t largest_mib = 0;
  peak_since_last_mib();
  for (std::int64_t i = std::max<std::int64_t>(only, 0); i < (only >= 0 ? only + 1 : mutations); ++i) {
    if (thread_cpu_seconds() > static_cast<double>(cpu_s)) break;
    now_at = i;
    limit_next_input(kHangs_s, kWaits_s);
    Draw draw(Rng(now_seed).child(static_cast<std::uint64_t>(i)));
    const Part& part = draw.of(target.parts);
    const std::string input = Mutator(part, draw).make();
    if (only >= 0) std::ofstream(cat("fuzz-", target.name, "-", now_seed, "-", i), std::ios::binary) << input;
    Verdict verdict = look(target, part, input);
    const std::size_t mib = peak_since_last_mib();
    if (verdict.seconds > target.slowest_s * kSlower)
      verdict.failure = cat("it took ", fixed(verdict.seconds, 1), " s");
    if (mib > static_cast<std::size_t>(static_cast<double>(target.most_mib) * kSlower))
      verdict.failure = cat("it took ", mib, " MiB");
    (verdict.refused ? refused : taken) += 1;
    if (verdict.seconds > slowest_s) slowest_s = verdict.seconds, slowest_at = i;
    if (mib > largest_mib) largest_mib = mib, largest_at = i;
    if (only >= 0) std::cout << part.name << ", " << input.size() << " bytes, " << verdict.seconds << " s\n";
    if (verdict.failure.empty()) continue;
    std::cout << "FAILED: input " << i << " (" << part.name << ", " << input.size() << " bytes): " << verdict.failure
              << "\n  repeat it with --seed " << now_seed << " --only " << i << std::endl;
    if (++failures == 20) break;
  }
  std::cout << target.name << ": " << refused + taken << " inputs, seed " << now_seed << ": " << refused << " refused, "
            << taken << " taken, " << failures << " failures; slowest " << fixed(slowest_s, 2) << " CPU s (input "
            << slowest_at << "), largest " << largest_mib << " MiB (input " << largest_at << ")\n";
  if (refused == 0 || taken == 0) std::cout << "note: all inputs ended alike\n";
  return failures == 0 ? 0 : 1;
}

}  // namespace pst::fuzz
