#include "cluster/job_script.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <random>

#include "cluster/capture.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cluster {
namespace {

using testing::HasSubstr;
using testing::Not;

Job full_job() {
  Job job = {.name = "support-lora",
             .run_dir = "/scratch/runs/support-lora-7f3a",
             .program = "/opt/pst/bin/peft-studio",
             .exports = {"HOME", "LANG", "PATH"}};
  job.slurm = {.nodes = 2,
               .ranks_per_node = 4,
               .cpus_per_rank = 8,
               .gpus_per_node = 4,
               .mem = "64G",
               .time = "02:00:00",
               .account = "project-1",
               .partition = "gpu",
               .qos = "normal",
               .constraint = "a100&nvlink",
               .reservation = "class",
               .nodelist = "n[1-8]",
               .exclude = "n3",
               .exclusive = true};
  return job;
}

TEST(JobScript, IsTheTextWePromise) {
  const std::string promised = read_file(fs::path(PST_SOURCE_DIR) / "tests/golden/job_script.sh");
  EXPECT_EQ(job_script(full_job()), promised)
      << "the script changed on purpose? then change tests/golden/job_script.sh";
}

TEST(JobScript, LeavesOutWhatTheRecipeLeavesOut) {
  Job job = full_job();
  job.slurm = {};
  const std::string script = job_script(job);

  for (const char* option : {"--account", "--partition", "--mem", "--gpus-per-node", "--cpus-per-task", "--exclusive"})
    EXPECT_THAT(script, Not(HasSubstr(option)));
  EXPECT_THAT(script, HasSubstr("#SBATCH --nodes=1\n#SBATCH --ntasks-per-node=1\n#SBATCH --time=01:00:00\n"));
  EXPECT_THAT(script, Not(testing::ContainsRegex("@[a-z_]+@"))) << "a placeholder is left";
}

TEST(JobScript, RefusesWhatCannotBeWrittenAndNamesIt) {
  const auto complaint = [](auto change) {
    Job job = full_job();
    change(job);
    try {
      job_script(job);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_THAT(complaint([](Job& j) { j.slurm.account = "x\n#SBATCH --nodes=9"; }), HasSubstr("slurm.account is"));
  EXPECT_THAT(complaint([](Job& j) { j.slurm.time = ""; }), HasSubstr("slurm.time is empty"));
  EXPECT_THAT(complaint([](Job& j) { j.slurm.nodes = 0; }), HasSubstr("slurm.nodes is 0"));
  EXPECT_THAT(complaint([](Job& j) { j.run_dir = "/a\nb"; }), HasSubstr("the run's folder is"));
}

TEST(JobScript, ExportsAShortListAndNoSecrets) {
  const auto names =
      variables_to_export({"PATH=/bin", "HF_TOKEN=x", "AWS_SECRET_ACCESS_KEY=x", "OMPI_MCA_btl=tcp", "NCCL_API_KEY=x",
                           "HOME=/h", "FI_evil$(id)=x", "NCCL_a,b=x", "PATH=/again", "broken"});
  EXPECT_THAT(names, testing::ElementsAre("HOME", "OMPI_MCA_btl", "PATH"));
  EXPECT_THAT(variables_to_export({}), testing::ElementsAre("PATH"));
}

// ---- hostile strings
// -------------------------------------------------------------------------------------------------

/// What sbatch makes of the text after "#SBATCH ": its own quoting rules, as measured with Slurm 22.05.
std::vector<std::string> words_of_sbatch(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool escaped = false, started = false;
  for (const char c : text) {
    if (escaped)
      word += c, escaped = false;
    else if (c == '\\')
      escaped = started = true;
    else if (quote && c == quote)
      quote = 0;
    else if (quote)
      word += c;
    else if (c == '"' || c == '\'')
      quote = c, started = true;
    else if (c == '#')
      break;
    else if (std::isspace(static_cast<unsigned char>(c))) {
      if (started || !word.empty()) words.push_back(word);
      word.clear();
      started = false;
    } else
      word += c;
  }
  if (started || !word.empty()) words.push_back(word);
  return words;
}

std::string hostile(std::mt19937& random) {
  static const std::vector<std::string> pieces = {"\n",
                                                  "\r",
                                                  "\t",
                                                  " ",
                                                  "#SBATCH --nodes=99",
                                                  "\n#SBATCH --nodes=99\n",
                                                  "'",
                                                  "\"",
                                                  "\\",
                                                  "`id`",
                                                  "$(id)",
                                                  "${HOME}",
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
                                                  "%",
                                                  "%j",
                                                  "%%",
                                                  "@run@",
                                                  "@nodes@",
                                                  "--uid=0",
                                                  "= ",
                                                  ",",
                                                  "\x01",
                                                  "\x7f",
                                                  "\xc3\xa9",
                                                  "\xff",
                                                  "a",
                                                  "gpu",
                                                  "0",
                                                  "EOF",
                                                  "x\ny",
                                                  "\\\n",
                                                  "'; touch /tmp/owned; '",
                                                  "\" --nodes=9 \""};
  std::string text;
  const auto count = 1 + random() % 6;
  for (std::size_t i = 0; i < count; ++i) text += pieces[random() % pieces.size()];
  if (random() % 50 == 0) text.append(2000, 'x');
  return text;
}

struct Intended {
  std::string option, value;
};

std::vector<Intended> intended_directives(const Job& job) {
  std::string run;
  for (const char c : job.run_dir.string()) run += c == '%' ? "%%" : std::string(1, c);
  const auto& s = job.slurm;
  std::vector<Intended> all = {{"job-name", job.name},
                               {"output", run + "/slurm-%j.log"},
                               {"open-mode", "append"},
                               {"nodes", "2"},
                               {"ntasks-per-node", "4"},
                               {"cpus-per-task", "8"},
                               {"gpus-per-node", "4"},
                               {"mem", *s.mem},
                               {"time", s.time},
                               {"account", *s.account},
                               {"partition", *s.partition},
                               {"qos", *s.qos},
                               {"constraint", *s.constraint},
                               {"reservation", *s.reservation},
                               {"nodelist", *s.nodelist},
                               {"exclude", *s.exclude},
                               {"exclusive", ""},
                               {"requeue", ""},
                               {"no-kill", ""},
                               {"signal", "B:USR2@150"},
                               {"export", join(job.exports, ",")}};
  if (s.time != full_job().slurm.time)  // only of a valid time is it known how long before its end to warn
    std::erase_if(all, [&](const Intended& one) { return one.option == "signal" && !warning_seconds(s); });
  return all;
}

/// Every line of `script` is the promised one: directives by what sbatch reads in them, the rest by its bytes.
void expect_only_what_was_meant(const std::string& script, const Job& job, const std::string& plain) {
  const auto lines = split(script, '\n');
  auto plain_lines = split(plain, '\n');
  const auto meant = intended_directives(job);
  if (meant.size() < intended_directives(full_job()).size())
    std::erase_if(plain_lines, [](const std::string& line) { return starts_with(line, "#SBATCH --signal="); });
  ASSERT_EQ(lines.size(), plain_lines.size());
  std::size_t directive = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (starts_with(lines[i], "#SBATCH")) {
      ASSERT_LT(directive, meant.size());
      const auto& [option, value] = meant[directive++];
      const std::string expected = value.empty() ? "--" + option : "--" + option + "=" + value;
      ASSERT_THAT(words_of_sbatch(lines[i].substr(7)), testing::ElementsAre(expected));
    } else if (!starts_with(lines[i], "run=") && !starts_with(lines[i], "peft_studio=")) {
      ASSERT_EQ(lines[i], plain_lines[i]);
    }
  }
  ASSERT_EQ(directive, meant.size());
}

TEST(JobScript, WarnsLongBeforeTheEndButNotForMostOfTheJob) {
  EXPECT_EQ(warning_seconds({.time = "10:00:00"}), 150);
  EXPECT_EQ(warning_seconds({.time = "00:05:00"}), 100);
  EXPECT_FALSE(warning_seconds({.time = "UNLIMITED"}));
}

TEST(JobScript, OutlivesANodeOnlyWhenThereIsAWayOn) {
  Job job = full_job();
  const auto no_kill = [&] { return job_script(job).find("#SBATCH --no-kill\n") != std::string::npos; };
  EXPECT_TRUE(no_kill());
  job.slurm.shrink = false;
  EXPECT_FALSE(no_kill());
  job.slurm.spares = 1;
  EXPECT_TRUE(no_kill());
  EXPECT_THAT(job_script(job), HasSubstr("#SBATCH --nodes=3\n"));
}

TEST(JobScript, TwoThousandHostileStringsAddNoDirectiveAndNoCommand) {
  const fixture::TemporaryDirectory dir;
  const auto expect_bash_reads = [&](std::string& scripts) {
    write_durably(dir / "jobs.sh", scripts);
    EXPECT_EQ(capture({.argv = {"bash", "-n", (dir / "jobs.sh").string()}}).words(), "no message");
    scripts.clear();
  };
  const std::string plain = job_script(full_job());
  std::mt19937 random(20240607);
  int written = 0, refused = 0;
  std::string scripts;
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE(round);
    Job job = full_job();
    const std::vector<std::string*> fields = {
        &job.name,       &job.slurm.time,        &*job.slurm.mem,         &*job.slurm.account,  &*job.slurm.partition,
        &*job.slurm.qos, &*job.slurm.constraint, &*job.slurm.reservation, &*job.slurm.nodelist, &*job.slurm.exclude};
    const auto which = random() % (fields.size() + 2);
    const std::string text = hostile(random);
    SCOPED_TRACE(quoted(text));
    if (which < fields.size())
      *fields[which] = text;
    else if (which == fields.size())
      job.run_dir = "/scratch/" + text;
    else
      job.program = "/opt/" + text;

    std::string script;
    try {
      script = job_script(job);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      ++refused;
      continue;
    }
    ++written;
    expect_only_what_was_meant(script, job, plain);
    if (HasFatalFailure()) return;

    // bash, too, finds nothing but two assignments of exactly these texts. (Many scripts in a row are one script.)
    scripts += script;
    if (written % 100 == 0) expect_bash_reads(scripts);
    if (which >= fields.size()) {
      std::string assignments;
      for (const auto& line : split(script, '\n'))
        if (starts_with(line, "run=") || starts_with(line, "peft_studio=")) assignments += line + "\n";
      const auto shown = capture({.argv = {"bash", "-c", assignments + "printf '%s\\n%s' \"$peft_studio\" \"$run\""}});
      ASSERT_EQ(shown.out, job.program.string() + "\n" + job.run_dir.string());
    }
  }
  expect_bash_reads(scripts);
  EXPECT_GT(written, 300);
  EXPECT_GT(refused, 300);
}

}  // namespace
}  // namespace pst::cluster
