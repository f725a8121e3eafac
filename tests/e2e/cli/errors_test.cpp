// SPDX-License-Identifier: Apache-2.0
// What a user sees when something is wrong: one text that names the place, the right exit status, and nothing left
// behind that looks like a result.
#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "e2e/cli/workspace.hpp"

namespace pst::e2e {
namespace {

using Words = std::vector<std::string>;

struct Case {
  const char* name;
  void (*arrange)(Workspace&);
  Words arguments;
  int exit;
  Words says;  ///< each somewhere in the message
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

void nothing(Workspace&) {}
void with_sbatch(Workspace& here) { here.add_program("sbatch", "echo 4711"); }

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

void expect_one_clear_failure(const cluster::Captured& answer, const Case& row) {
  EXPECT_EQ(answer.status, row.exit) << answer.err;
  EXPECT_EQ(count("\n" + answer.err, "\nerror["), 1) << "one error, not more:\n" << answer.err;
  EXPECT_LT(answer.err.size(), 3000u);
  for (const auto& words : row.says) EXPECT_THAT(answer.err, testing::HasSubstr(words));
}

const Case kCases[] = {
    // ---- the command line
    {"unknown_command",
     nothing,
     {"submt", "recipe.yaml"},
     64,
     {"\"submt\" is no command", "did you mean 'peft-studio submit'"}},
    {"unknown_command_of_model",
     nothing,
     {"model", "imprt", "x"},
     64,
     {"is no command of peft-studio model", "import"}},
    {"no_command", nothing, {}, 64, {"--help"}},
    {"unknown_option", nothing, {"validate", "recipe.yaml", "--fast"}, 64, {"--fast", "peft-studio validate --help"}},
    {"missing_argument", nothing, {"validate"}, 64, {"RECIPE"}},
    {"set_without_value",
     nothing,
     {"validate", "recipe.yaml", "--set", "train.max_steps"},
     64,
     {"train.max_steps", "="}},
    {"set_of_an_unknown_key",
     nothing,
     {"validate", "recipe.yaml", "--set", "adapter.alhpa=3"},
     64,
     {"adapter.alhpa", "alpha"}},
    {"set_of_a_wrong_value",
     nothing,
     {"validate", "recipe.yaml", "--set", "adapter.r=many"},
     64,
     {"adapter.r", "many"}},

    // ---- the recipe
    {"recipe_missing", nothing, {"submit", "none.yaml"}, 64, {"none.yaml"}},
    {"recipe_with_an_unknown_key",
     [](Workspace& w) { w.append("recipe.yaml", "adapter: { alhpa: 3 }\n"); },
     {"validate", "recipe.yaml"},
     64,
     {"recipe.yaml:7:", "adapter.alhpa", "did you mean 'alpha'"}},
    {"recipe_that_is_no_yaml",
     [](Workspace& w) { w.append("recipe.yaml", "a: [\n"); },
     {"validate", "recipe.yaml"},
     64,
     {"recipe.yaml"}},
    {"recipe_with_a_newline_in_its_name",
     [](Workspace& w) { w.append("recipe.yaml", "slurm: { account: \"a\\n#SBATCH --nodes=9\" }\n"); },
     {"submit", "recipe.yaml", "--dry-run"},
     64,
     {"slurm.account"}},
    {"target_that_no_layer_has",
     nothing,
     {"validate", "recipe.yaml", "--set", "adapter.target_modules=[q_prj]"},
     64,
     {"q_prj", "did you mean 'q_proj'"}},
    {"target_that_is_no_expression",
     nothing,
     {"validate", "recipe.yaml", "--set", "adapter.target_modules='(('"},
     64,
     {"regular expression", "character 2"}},
    {"rows_beyond_the_models_positions",
     nothing,
     {"train", "recipe.yaml", "--set", "data.max_length=99999"},
     64,
     {"data.max_length is 99999", "at most"}},
    {"adapter_to_start_from_missing",
     nothing,
     {"train", "recipe.yaml", "--set", "adapter.init_from=none"},
     65,
     {"adapter.init_from", "adapter_config.json"}},
    {"gpus_that_would_stand_idle",
     nothing,
     {"validate", "recipe.yaml", "--set", "slurm.gpus_per_node=1", "--set", "train.device=cpu"},
     64,
     {"gpus_per_node asks for GPUs", "remove slurm.gpus_per_node"}},
    {"checkpoint_to_start_from_missing",
     nothing,
     {"validate", "recipe.yaml", "--set", "checkpoint.resume=none"},
     65,
     {"checkpoint.resume", "none/manifest.json does not exist"}},
    {"ranks_that_do_not_divide", nothing, {"validate", "recipe.yaml", "--set", "slurm.nodes=3"}, 64, {"3"}},

    // ---- model and data
    {"model_missing", [](Workspace& w) { fs::remove_all(w / "model"); }, {"validate", "recipe.yaml"}, 65, {"model"}},
    {"model_truncated",
     [](Workspace& w) { fs::resize_file(w / "model/model.safetensors", 5000); },
     {"validate", "recipe.yaml"},
     65,
     {"model.safetensors"}},
    {"model_with_a_hostile_header",
     [](Workspace& w) { w.write("model/model.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}"); },
     {"model", "inspect", "model"},
     65,
     {"model.safetensors"}},
    {"tokenizer_missing",
     [](Workspace& w) { fs::remove(w / "model/tokenizer.json"); },
     {"validate", "recipe.yaml"},
     65,
     {"tokenizer.json"}},
    {"data_missing",
     [](Workspace& w) { fs::remove(w / "data.jsonl"); },
     {"validate", "recipe.yaml"},
     65,
     {"data.jsonl"}},
    {"data_with_a_malformed_line",
     [](Workspace& w) { w.append("data.jsonl", "{\"messages\": [\n"); },
     {"validate", "recipe.yaml"},
     65,
     {"data.jsonl:5"}},
    {"data_empty", [](Workspace& w) { w.write("data.jsonl", ""); }, {"validate", "recipe.yaml"}, 65, {"data.jsonl"}},
    {"gguf_that_is_none",
     [](Workspace& w) { w.write("x.gguf", "not a model"); },
     {"model", "import", "x.gguf", "new"},
     65,
     {"x.gguf"}},

    // ---- submitting
    {"sbatch_missing",
     nothing,
     {"submit", "recipe.yaml"},
     69,
     {"sbatch was not found on PATH", "peft-studio train recipe.yaml"}},
    {"sbatch_refuses",
     [](Workspace& w) {
       w.add_program("sbatch", "echo 'sbatch: error: invalid partition specified: gpux' >&2; exit 1");
     },
     {"submit", "recipe.yaml"},
     64,
     {"invalid partition specified: gpux", "slurm.partition"}},
    {"sbatch_finds_no_controller",
     [](Workspace& w) {
       w.add_program("sbatch",
                     "echo 'sbatch: error: Unable to contact slurm controller (connect failure)' >&2; exit 1");
     },
     {"submit", "recipe.yaml"},
     75,
     {"Unable to contact slurm controller", "try again"}},
    {"sbatch_prints_nonsense",
     [](Workspace& w) { w.add_program("sbatch", "echo hello"); },
     {"submit", "recipe.yaml"},
     75,
     {"\"hello\" instead of its job's number", "whether Slurm has taken the job is not known", "resume RUN"}},
    {"worker_missing",
     [](Workspace& w) {
       with_sbatch(w);
       w.set("PST_WORKER", (w / "gone").string());
     },
     {"submit", "recipe.yaml"},
     69,
     {"PST_WORKER"}},
    {"output_dir_below_a_file",
     with_sbatch,
     {"submit", "recipe.yaml", "--set", "output_dir=data.jsonl/runs"},
     75,
     {"data.jsonl/runs"}},
    {"output_dir_not_writable",
     with_sbatch,
     {"submit", "recipe.yaml", "--set", "output_dir=/proc/runs"},
     75,
     {"/proc/runs"}},

    // ---- runs
    {"run_not_found", nothing, {"status", "none"}, 64, {"there is no run \"none\"", "--output-dir"}},
    {"run_ambiguous",
     [](Workspace& w) {
       for (const char* id : {"aa11", "aa22"}) {
         w.add_run("tiny", id);
         w.write(cat("runs/tiny-", id, "/events.jsonl"), "{\"event\":\"failed\"}\n");
       }
     },
     {"follow", "aa"},
     64,
     {"tiny-aa11, tiny-aa22"}},
    {"cancel_of_an_ended_run",
     [](Workspace& w) {
       w.add_run("tiny", "aa11");
       w.write("runs/tiny-aa11/events.jsonl", "{\"event\":\"failed\"}\n");
     },
     {"cancel", "aa11"},
     64,
     {"nothing to cancel", "failed"}},
    {"generate_from_an_unfinished_run",
     [](Workspace& w) {
       w.add_run("tiny", "aa11");
       w.write("runs/tiny-aa11/events.jsonl", "{\"event\":\"failed\"}\n");
     },
     {"generate", "--run", "aa11", "--prompt", "hi"},
     65,
     {"no finished adapter"}},
    {"generate_from_nothing", nothing, {"generate", "--prompt", "hi"}, 64, {"--run"}},
    {"follow_of_a_cancelled_job",
     [](Workspace& w) {
       w.add_run("tiny", "aa11");
       w.write("runs/tiny-aa11/events.jsonl",
               "{\"event\":\"submitted\",\"job_id\":\"12\"}\n{\"event\":\"cancelled\",\"reason\":\"stopped by "
               "SIGTERM\"}\n");
     },
     {"follow", "aa11"},
     76,
     {"cancelled: stopped by SIGTERM"}},

    // ---- running
    {"supervise_outside_a_job",
     [](Workspace& w) {
       w.add_run("tiny", "aa11");
       w.write("runs/tiny-aa11/events.jsonl", "{\"event\":\"failed\"}\n");
     },
     {"supervise", "runs/tiny-aa11"},
     64,
     {"not a Slurm job", "peft-studio submit"}},
    {"srun_missing",
     [](Workspace& w) {
       w.add_run("tiny", "aa11");
       w.write("runs/tiny-aa11/events.jsonl", "{\"event\":\"submitted\",\"job_id\":\"12\"}\n");
       w.set("SLURM_JOB_ID", "12");
     },
     {"supervise", "runs/tiny-aa11"},
     69,
     {"srun was not found on PATH"}},
    {"mpirun_missing",
     nothing,
     {"train", "recipe.yaml", "--ranks", "2"},
     69,
     {"mpirun was not found on PATH", "--ranks 1"}},
    {"worker_dies",
     nothing,
     {"train", "recipe.yaml"},
     75,
     {"failed: step 0 failed 3 times in a row: the workers ended with status 75"}},
    {"worker_says_why",
     [](Workspace& w) {
       w.add_program("worker", "echo 'error[data]: shard 2 is torn'; echo '  try: import it again'; exit 65");
     },
     {"train", "recipe.yaml"},
     65,
     {"failed: shard 2 is torn", "import it again", "peft-studio logs runs/"}},
    {"worker_claims_success",
     [](Workspace& w) { w.add_program("worker", "exit 0"); },
     {"train", "recipe.yaml"},
     75,
     {"no completed.json"}},
    {"worker_vouches_for_nothing",
     [](Workspace& w) { w.add_program("worker", "echo '{}' > \"$3/completed.json\""); },
     {"train", "recipe.yaml"},
     65,
     {"completed.json"}},
};

class CliErrors : public testing::TestWithParam<Case> {};

TEST_P(CliErrors, EndsWithOneClearTextAndLeavesNothingThatLooksFinished) {
  const Case& row = GetParam();
  Workspace here;
  row.arrange(here);

  const auto answer = here.call(row.arguments);

  expect_one_clear_failure(answer, row);
  EXPECT_THAT(here.suspicious(), testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Table, CliErrors, testing::ValuesIn(kCases),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(CliFullDisk, OfTheRunDirectoryLeavesNoRun) {
  Workspace here;
  with_sbatch(here);
  const SmallDisk disk(here / "runs", "size=512k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root; this user may not";
  ASSERT_EQ(here.call({"data", "prepare", "recipe.yaml"}).status, 0);
  disk.fill();

  const auto answer = here.call({"submit", "recipe.yaml"});

  expect_one_clear_failure(answer, {.exit = 75, .says = {"No space left on device", "recipe.yaml", "free"}});
  EXPECT_THAT(here.suspicious(), testing::IsEmpty());
  EXPECT_EQ(here.call({"status", "--json"}).out, "[]\n");
}

TEST(CliFullDisk, OfThePreparedDataLeavesNoStore) {
  Workspace here;
  with_sbatch(here);
  const SmallDisk disk(here / "runs", "size=64k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root; this user may not";
  disk.fill();

  const auto answer = here.call({"submit", "recipe.yaml"});

  expect_one_clear_failure(answer, {.exit = 75, .says = {"No space left on device", "runs"}});
  EXPECT_THAT(here.suspicious(), testing::IsEmpty());
}

TEST(CliOutput, AFullStandardOutputIsAFailure) {
  const Workspace here;
  const auto answer = here.shell("$PST submit recipe.yaml --dry-run >/dev/full");
  expect_one_clear_failure(answer, {.exit = 75, .says = {"standard output"}});
}

TEST(CliDryRun, PrintsTheScriptOnlyAndCreatesNothing) {
  const Workspace here;

  const auto answer = here.call({"submit", "recipe.yaml", "--dry-run"});

  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.err, "");
  EXPECT_THAT(answer.out, testing::StartsWith("#!/bin/bash\n"));
  EXPECT_FALSE(fs::exists(here / "runs"));
}

TEST(CliSubmit, AJobWhoseAnswerWasLostIsTakenUpByResumeAndNoneIsSubmittedTwice) {
  const Workspace here;
  here.add_program("sbatch", "echo \"$@\" >>calls; echo 'sbatch: error: Socket timed out on send/recv' >&2; exit 1");
  here.add_program("squeue", "echo 'slurm_load_jobs error: Socket timed out' >&2; exit 1");
  const auto lost = here.call({"submit", "recipe.yaml"});
  EXPECT_EQ(lost.status, 75);
  EXPECT_THAT(lost.err, testing::HasSubstr("whether Slurm has taken the job is not known"));

  here.add_program("squeue", "case \"$*\" in *%o*) echo \"7|$(echo $PWD/runs/*/job.sh)\";; esac");
  const auto found = here.call({"resume", "tiny"});

  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_THAT(found.out, testing::HasSubstr("job 7 of this run is in Slurm's queue already"));
  EXPECT_THAT(found.out, testing::HasSubstr("job  7\n"));
  EXPECT_EQ(count(here.shell("cat calls").out, "\n"), 1);
}

TEST(CliDryRun, NeedsNoModelAndSaysWhatWasNotChecked) {
  const Workspace here;

  const auto answer = here.call({"submit", "recipe.yaml", "--dry-run", "--set", "model.path=/nodes/only"});

  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(answer.err,
            "note: model and data were not checked: there is no /nodes/only on this machine; submit needs it\n");
  EXPECT_THAT(answer.out, testing::StartsWith("#!/bin/bash\n"));
}

TEST(CliDryRun, NamesTheVariablesThatAreNotGivenToSlurm) {
  Workspace here;
  here.set("SBATCH_PARTITION", "batch");

  const auto answer = here.call({"submit", "recipe.yaml", "--dry-run"});

  EXPECT_THAT(answer.err, testing::StartsWith("note: not given to Slurm: SBATCH_PARTITION of this shell"));
}

TEST(CliSubmit, ARefusedRunIsMarkedFailed) {
  const Workspace here;
  here.add_program("sbatch", "echo 'sbatch: error: no account' >&2; exit 1");

  here.call({"submit", "recipe.yaml"});

  EXPECT_THAT(here.call({"status"}).out, testing::HasSubstr("failed"));
  EXPECT_THAT(here.call({"status"}).out, testing::HasSubstr("no account"));
}

}  // namespace
}  // namespace pst::e2e
