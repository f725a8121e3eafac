// SPDX-License-Identifier: Apache-2.0
// Random recipes and site profiles with hostile strings in them: whatever they hold, a job script has the directives
// and commands that were meant, and no other.
//   hostile_jobs [--count 2000] [--seed 20240607]
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include "cluster/capture.hpp"
#include "cluster/job_script.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "site/load_profile.hpp"
#include "support/temporary_directory.hpp"
#include "unit/cluster/full_job.hpp"
#include "unit/cluster/sbatch_words.hpp"

namespace pst::cluster {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t count) { return random_() % count; }
  bool one_in(std::size_t count) { return below(count) == 0; }

  /// Pieces that mean something to sbatch, to bash, to a template or to a terminal. What a command among them would do
  /// is to make a file called `owned` in the folder where the scripts are run.
  std::string hostile() {
    static const std::vector<std::string> kPieces = {"\n",
                                                     "\r",
                                                     "\t",
                                                     " ",
                                                     "#SBATCH --nodes=99",
                                                     "\n#SBATCH --nodes=99\n",
                                                     "'",
                                                     "\"",
                                                     "\\",
                                                     "`>owned`",
                                                     "$(>owned)",
                                                     "${HOME}",
                                                     "$HOME",
                                                     ";",
                                                     "&",
                                                     "|",
                                                     "<",
                                                     ">",
                                                     "*",
                                                     "?",
                                                     "[",
                                                     "]",
                                                     "~",
                                                     "!",
                                                     "#",
                                                     "  # ",
                                                     "%",
                                                     "%j",
                                                     "%%",
                                                     "@run@",
                                                     "@nodes@",
                                                     "#if modules",
                                                     "#end",
                                                     "--uid=0",
                                                     "= ",
                                                     "=",
                                                     ",",
                                                     ":",
                                                     "\x01",
                                                     "\x7f",
                                                     "\xc3\xa9",
                                                     "\xe2\x80\xa8",
                                                     "\xff",
                                                     "a",
                                                     "gpu",
                                                     "0",
                                                     "EOF",
                                                     "x\ny",
                                                     "\\\n",
                                                     "'; >owned; '",
                                                     "\" --nodes=9 \"",
                                                     "\n>owned\n",
                                                     "$((>owned))",
                                                     "{a,b}",
                                                     "--name=",
                                                     "--x",
                                                     "--wrap=>owned",
                                                     "A",
                                                     "NAME_1"};
    std::string text;
    const auto count = 1 + below(6);
    for (std::size_t i = 0; i < count; ++i) text += kPieces[below(kPieces.size())];
    if (one_in(50)) text.append(one_in(2) ? 2000 : 200, 'x');
    return text;
  }

 private:
  std::mt19937_64 random_;
};

/// A site that fills every block of the template.
site::Site full_site() {
  site::Site site;
  site.name = "everything";
  site.modules = {"gcc/12", "openmpi"};
  site.environment = {{"FI_PROVIDER", "cxi"}, {"NCCL_NET", "AWS Libfabric"}};
  site.extra_sbatch = {"--network=disable_rdzv_get", "--contiguous"};
  site.cpus.hint = "nomultithread";
  site.scratch = "/mnt/bb/$USER";
  site.partitions = {{.name = "gpu", .qos = "normal", .constraint = "a100"}};
  return site;
}

Job plain_job() {
  Job job = fixture::full_job();
  job.site = full_site();
  return job;
}

/// Puts a hostile text in the place of one value of recipe or site.
void poison(Job& job, const std::string& text, Dice& dice) {
  recipe::Slurm& slurm = job.slurm;
  site::Site& site = job.site;
  const std::vector<std::function<void()>> places = {
      [&] { job.name = text; },
      [&] { slurm.time = text; },
      [&] { slurm.mem = text; },
      [&] { slurm.account = text; },
      [&] { slurm.partition = text; },
      [&] { slurm.qos = text; },
      [&] { slurm.constraint = text; },
      [&] { slurm.reservation = text; },
      [&] { slurm.nodelist = text; },
      [&] { slurm.exclude = text; },
      [&] { job.run_dir = "/scratch/" + text; },
      [&] { job.program = "/nowhere/" + text; },
      [&] { job.exports.push_back(text); },
      [&] { site.name = text; },
      [&] { site.modules[dice.below(2)] = text; },
      [&] { site.environment["FI_PROVIDER"] = text; },
      [&] { site.environment[text] = "x"; },
      [&] { site.extra_sbatch[dice.below(2)] = dice.one_in(2) ? text : "--comment=" + text; },
      [&] { site.cpus.hint = text; },
      [&] { site.scratch = "/" + text; },
      [&] { site.memory = text, slurm.mem.reset(); },
      [&] { site.gpus = {.request = site::GpuRequest::gres, .gres = text, .bind = {}}; },
      [&] { site.partitions[0].name = text, slurm.partition.reset(); },
      [&] { site.partitions[0].qos = text, slurm.qos.reset(), slurm.partition.reset(); },
      [&] { site.partitions[0].constraint = text, slurm.constraint.reset(), slurm.partition.reset(); },
      [&] {
        site.partitions[0] = {.name = text, .asked_by = site::AskedBy::qos}, slurm.partition.reset(), slurm.qos.reset();
      },
  };
  places[dice.below(places.size())]();
}

struct Intended {
  std::vector<std::string> directives;   ///< as sbatch reads them
  std::vector<std::string> assignments;  ///< NAME=value that bash is to end up with
};

/// From the values themselves, without an encoder.
Intended intended(const Job& job) {
  const auto& slurm = job.slurm;
  const auto& site = job.site;
  std::string run;
  for (const char c : job.run_dir.string()) run += c == '%' ? "%%" : std::string(1, c);
  const site::Partition& only = site.partitions[0];
  const bool is_listed = !slurm.partition || *slurm.partition == only.name;
  const bool by_qos = is_listed && only.asked_by == site::AskedBy::qos;
  Intended all;
  const auto add = [&](const std::string& option, const std::optional<std::string>& value) {
    if (value) all.directives.push_back("--" + option + "=" + *value);
  };
  add("job-name", job.name);
  add("output", run + "/slurm-%j.log");
  add("open-mode", "append");
  add("nodes", "2");
  add("ntasks-per-node", "4");
  add("cpus-per-task", "8");
  if (site.gpus.request == site::GpuRequest::gres)
    add("gres", site.gpus.gres + ":4");
  else
    add("gpus-per-node", "4");
  add("mem", slurm.mem ? slurm.mem : site.memory);
  add("time", slurm.time);
  add("account", slurm.account);
  if (!by_qos) add("partition", slurm.partition ? *slurm.partition : only.name);
  add("qos", by_qos ? only.name : slurm.qos ? slurm.qos : is_listed ? only.qos : std::nullopt);
  add("constraint", slurm.constraint ? slurm.constraint : is_listed ? only.constraint : std::nullopt);
  add("reservation", slurm.reservation);
  add("nodelist", slurm.nodelist);
  add("exclude", slurm.exclude);
  all.directives.push_back("--exclusive");
  add("hint", site.cpus.hint);
  for (const auto& option : site.extra_sbatch) all.directives.push_back(option);
  all.directives.push_back("--requeue");
  all.directives.push_back("--no-kill");
  if (const auto lead = warning_seconds(slurm)) add("signal", cat("B:USR2@", *lead));
  add("export", join(job.exports, ","));
  all.assignments = {"peft_studio=" + job.program.string(), "run=" + job.run_dir.string()};
  for (const auto& [name, value] : site.environment) all.assignments.push_back(name + "=" + value);
  return all;
}

[[noreturn]] void fail(const std::string& what, const std::string& script) {
  std::cerr << "FAILED: " << what << "\n--- the script:\n" << script << std::endl;
  std::exit(1);
}

bool begins_like_one_of_ours(const std::string& line) {
  for (const char* own : {"# ", "peft_studio='", "run='", "load_module '", "export "})
    if (line.starts_with(own)) return true;
  return false;
}

/// Directives by what sbatch reads in them; the other lines are those of the plain script, or single-line words in
/// places where the plain one has such too.
void check_lines(const std::string& script, const Job& job, const std::vector<std::string>& plain) {
  const Intended meant = intended(job);
  std::vector<std::string> directives, others;
  for (const auto& line : split(script, '\n')) (line.starts_with("#SBATCH") ? directives : others).push_back(line);
  if (directives.size() != meant.directives.size())
    fail(cat(directives.size(), " directives and not ", meant.directives.size()), script);
  for (std::size_t i = 0; i < directives.size(); ++i) {
    const auto words = words_of_sbatch(directives[i].substr(7));
    if (words.size() != 1 || words[0] != meant.directives[i])
      fail(cat("sbatch would read ", directives[i], " and not ", quoted(meant.directives[i])), script);
  }
  std::vector<std::string> plain_others;
  for (const auto& line : plain)
    if (!line.starts_with("#SBATCH")) plain_others.push_back(line);
  const std::size_t more_variables = job.site.environment.size() - 2;
  if (others.size() != plain_others.size() + more_variables) fail("there are lines too many or too few", script);
  for (const auto& line : others)
    if (std::find(plain_others.begin(), plain_others.end(), line) == plain_others.end() &&
        !begins_like_one_of_ours(line))
      fail("a line that nobody meant: " + line, script);
}

/// Runs many scripts, each in a subshell, with nothing on PATH, in an empty folder. `module` and the supervisor are
/// functions that do nothing, and what the variables came to is printed.
class Bash {
 public:
  explicit Bash(const fs::path& folder) : folder_(folder) { fs::create_directories(folder_ / "empty"); }

  void add(const std::string& script, const Intended& meant) {
    scripts_ += "(\n" + script.substr(0, script.find("\n# In the background"));
    scripts_ += "\nprintf '%s\\0' \"peft_studio=$peft_studio\" \"run=$run\"";
    for (std::size_t i = 2; i < meant.assignments.size(); ++i) {
      const std::string name = meant.assignments[i].substr(0, meant.assignments[i].find('='));
      scripts_ += " \"" + name + "=$" + name + "\"";
    }
    scripts_ += "\n)\n";
    whole_ += "(\n" + script + ")\n";
    for (const auto& text : meant.assignments) expected_ += text + '\0';
    if (++count_ % 200 == 0) run();
  }

  void run() {
    if (scripts_.empty()) return;
    const std::string begin =
        cat("cd '", (folder_ / "empty").string(), "' || exit 1\nPATH=\nmodule() { :; }\nexport -f module\n");
    write_durably(folder_ / "setup.sh", begin + scripts_);
    // Whole: supervise fails, because the program is nowhere. Nothing else may happen.
    write_durably(folder_ / "whole.sh", begin + whole_);
    const auto parsed = capture({.argv = {"bash", "-n", (folder_ / "whole.sh").string()}});
    if (parsed.status != 0) fail("bash -n: " + parsed.words(), whole_);
    const auto seen = capture({.argv = {"bash", (folder_ / "setup.sh").string()}, .max_output = 64u << 20});
    if (seen.out != expected_) fail("variables came to other values than meant", scripts_);
    capture({.argv = {"bash", (folder_ / "whole.sh").string()}, .timeout_s = 300});
    if (!fs::is_empty(folder_ / "empty")) fail("a command of a value was run: `owned` is there", whole_);
    scripts_.clear(), whole_.clear(), expected_.clear();
  }

 private:
  fs::path folder_;
  std::string scripts_, whole_, expected_;
  int count_ = 0;
};

/// The way that texts take in life: through YAML and its checks. What comes through has to be writable or refused.
Job read_back(Job job) {
  job.site = site::parse(site::to_yaml(job.site), "site.yaml");
  return job;
}

int run(int count, std::uint64_t seed) {
  const pst::fixture::TemporaryDirectory folder;
  Bash bash(folder.path());
  Dice dice(seed);
  const auto plain = split(job_script(plain_job()), '\n');
  int written = 0, refused = 0;
  const double begin = monotonic_seconds();
  for (int round = 0; round < count; ++round) {
    Job job = plain_job();
    const auto poisons = 1 + dice.below(3);
    for (std::size_t i = 0; i < poisons; ++i) poison(job, dice.hostile(), dice);
    std::string script;
    try {
      if (dice.one_in(3)) job = read_back(job);
      script = job_script(job);
    } catch (const Error& error) {
      if (error.fault() != Fault::usage) fail(error.what(), "");
      if (find_control(error.message().substr(0, error.message().find('\n'))))
        fail("a message with a control character", "");
      ++refused;
      continue;
    }
    ++written;
    check_lines(script, job, plain);
    bash.add(script, intended(job));
  }
  bash.run();
  std::cout << count << " configurations (seed " << seed << "): " << written << " job scripts, " << refused
            << " refused; no directive and no command beyond what was meant; " << fixed(monotonic_seconds() - begin, 1)
            << " s\n";
  // A test in which everything is refused would show nothing.
  return written * 10 > count && refused * 10 > count ? 0 : 1;
}

}  // namespace
}  // namespace pst::cluster

int main(int argc, char** argv) {
  long count = 2000, seed = 20240607;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const auto value = pst::to_int(argv[i + 1]);
    if (!value || (option != "--count" && option != "--seed")) {
      std::cerr << "usage: hostile_jobs [--count N] [--seed S]\n";
      return 64;
    }
    (option == "--count" ? count : seed) = *value;
  }
  try {
    return pst::cluster::run(static_cast<int>(count), static_cast<std::uint64_t>(seed));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
