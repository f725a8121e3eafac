// SPDX-License-Identifier: Apache-2.0
// A new command is its file <group>/<verb>.cpp, a declaration and a row here, and its line in CMakeLists.txt.
#include "cli/table.hpp"

namespace pst::cli {

Runner add_adapter_combine(CLI::App& app);
Runner add_adapter_export(CLI::App& app);
Runner add_adapter_list(CLI::App& app);
Runner add_adapter_merge(CLI::App& app);
Runner add_adapter_resize(CLI::App& app);
Runner add_adapter_show(CLI::App& app);
Runner add_cancel(CLI::App& app);
Runner add_checkpoint_export(CLI::App& app);
Runner add_checkpoint_list(CLI::App& app);
Runner add_checkpoint_prune(CLI::App& app);
Runner add_checkpoint_verify(CLI::App& app);
Runner add_compare(CLI::App& app);
Runner add_completion(CLI::App& app);
Runner add_config_import(CLI::App& app);
Runner add_data_convert(CLI::App& app);
Runner add_data_dump(CLI::App& app);
Runner add_data_head(CLI::App& app);
Runner add_data_merge(CLI::App& app);
Runner add_data_prepare(CLI::App& app);
Runner add_data_sample(CLI::App& app);
Runner add_data_shuffle(CLI::App& app);
Runner add_data_split(CLI::App& app);
Runner add_data_validate(CLI::App& app);
Runner add_doctor(CLI::App& app);
Runner add_export_metrics(CLI::App& app);
Runner add_follow(CLI::App& app);
Runner add_generate(CLI::App& app);
Runner add_infer(CLI::App& app);
Runner add_init(CLI::App& app);
Runner add_logs(CLI::App& app);
Runner add_model_families(CLI::App& app);
Runner add_model_import(CLI::App& app);
Runner add_model_detokenize(CLI::App& app);
Runner add_model_inspect(CLI::App& app);
Runner add_model_quantise(CLI::App& app);
Runner add_model_render(CLI::App& app);
Runner add_model_tokenize(CLI::App& app);
Runner add_monitor(CLI::App& app);
Runner add_pause(CLI::App& app);
Runner add_plan(CLI::App& app);
Runner add_probe(CLI::App& app);
Runner add_profile(CLI::App& app);
Runner add_report(CLI::App& app);
Runner add_resume(CLI::App& app);
Runner add_scaling(CLI::App& app);
Runner add_site_check(CLI::App& app);
Runner add_site_list(CLI::App& app);
Runner add_site_probe(CLI::App& app);
Runner add_site_show(CLI::App& app);
Runner add_status(CLI::App& app);
Runner add_submit(CLI::App& app);
Runner add_supervise(CLI::App& app);
Runner add_train(CLI::App& app);
Runner add_validate(CLI::App& app);
Runner add_watch(CLI::App& app);
Runner add_watch_host(CLI::App& app);

const std::vector<Section>& sections() {
  static const std::vector<Section> kSections = {
      {"Prepare a run",
       {
           {"init", "Write a commented recipe to start from; asks for what you leave out", add_init},
           {"validate", "Check a recipe, its model and its data, and say what a run would do", add_validate},
           {"plan", "Predict a run's memory, time and node hours, and compare other settings", add_plan},
           {"data prepare", "Tokenise a recipe's data now; every run with the same data reuses it", add_data_prepare},
           {"data dump", "Print the training examples as token ids, a line of JSON each", add_data_dump},
           {"data convert", "Write data files in another form: JSON lines, JSON, CSV or TSV", add_data_convert},
           {"data head", "Print the first records of data files, a line of JSON each", add_data_head},
           {"data sample", "Write some records of data files, chosen by a seed", add_data_sample},
           {"data shuffle", "Write the records of data files in an order that a seed says", add_data_shuffle},
           {"data merge", "Write the records of several data files to one", add_data_merge},
           {"data split", "Divide data files into parts, such as train and test, by record or by group",
            add_data_split},
           {"data validate", "Hold every record of data files, or of a recipe's data, against the rules of good data",
            add_data_validate},
           {"model families", "List the model families that can be trained, by config.json's model_type",
            add_model_families},
           {"model inspect", "Check a model folder and describe what is in it", add_model_inspect},
           {"model import", "Convert a GGUF file to a Hugging Face model folder", add_model_import},
           {"model quantise", "Write a copy of a model folder with its layers in 4 or 8 bits", add_model_quantise},
           {"model render", "Write data records by a model's chat template, with what is learned marked",
            add_model_render},
           {"model tokenize", "Print the token ids of a text, as a model folder's tokenizer gives them",
            add_model_tokenize},
           {"model detokenize", "Print the text that token ids stand for", add_model_detokenize},
           {"config import", "Convert a configuration of axolotl, LLaMA-Factory, torchtune, TRL or PEFT to a recipe",
            add_config_import},
       }},
      {"Start and stop it",
       {
           {"train", "Check a recipe, then train on this machine, without Slurm", add_train},
           {"submit", "Check a recipe, then submit it to Slurm as a job", add_submit},
           {"pause", "Save the state of a run or a sweep, stop it and free its nodes", add_pause},
           {"resume", "Continue a run or a sweep that was paused, failed or was cancelled", add_resume},
           {"cancel", "Stop a run, or all runs of a sweep", add_cancel},
       }},
      {"Watch it",
       {
           {"status", "Show the state of one run, or of all: step, loss, speed, job", add_status},
           {"watch", "Show a live screen of a run or a sweep; q leaves it, the run goes on", add_watch},
           {"follow", "Show a run's progress line by line until it ends", add_follow},
           {"logs", "Print the logs of a run: job, launcher and every rank", add_logs},
       }},
      {"Use its result",
       {
           {"generate", "Let a model, or the result of a run, answer a prompt", add_generate},
           {"infer", "Let it answer a file of prompts, and go on where an earlier call ended", add_infer},
           {"adapter list", "List the kinds of adapters, what can be merged and what loads the result",
            add_adapter_list},
           {"adapter show", "Describe any PEFT adapter folder: keys, sizes, norms, and what is odd", add_adapter_show},
           {"adapter merge", "Write a model with an adapter in its weights, and compare its logits", add_adapter_merge},
           {"adapter export", "Write a low-rank adapter as the file that llama.cpp loads", add_adapter_export},
           {"adapter combine", "Write the weighted sum of low-rank adapters as one adapter", add_adapter_combine},
           {"adapter resize", "Write a low-rank adapter with a lower rank", add_adapter_resize},
           {"checkpoint list", "List a run's checkpoints: step, size, validation loss", add_checkpoint_list},
           {"checkpoint verify", "Read a run's checkpoints whole and compare them with their digests",
            add_checkpoint_verify},
           {"checkpoint prune", "Remove old checkpoints; the newest, the best and milestones stay",
            add_checkpoint_prune},
           {"checkpoint export", "Write a checkpoint's adapter as a PEFT folder", add_checkpoint_export},
           {"export metrics", "Write a run's metrics as CSV, or for Prometheus, TensorBoard or MLflow",
            add_export_metrics},
       }},
      {"See where the time went",
       {
           {"report", "Write where a run's time went, as a web page, JSON and CSV", add_report},
           {"profile", "Merge the traces of a profiled run into one timeline and name the bottleneck", add_profile},
           {"compare", "Compare two to eight runs: settings, losses, time, cost", add_compare},
           {"scaling", "Show what more ranks bring: speed and efficiency of runs of different sizes", add_scaling},
       }},
      {"Set up a machine or a cluster",
       {
           {"doctor", "Check this machine and its software; inside a Slurm job, every node of it", add_doctor},
           {"probe", "Measure this machine's speed, which `plan` needs to know", add_probe},
           {"site list", "List the site profiles found here, and say which one fits this host", add_site_list},
           {"site show", "Print a site profile with everything it inherits", add_site_show},
           {"site check", "Check a site profile for mistakes, and compare it with Slurm's own answers", add_site_check},
           {"site probe", "Draft a site profile from what Slurm says on this host, and print it", add_site_probe},
           {"completion", "Print a shell's completion script, or the manual page", add_completion},
       }},
      {kHidden,
       {
           {"supervise",
            "Started by the job script: starts the workers, restarts them when they are lost, judges the end",
            add_supervise},
           {"watch-host", "Started by the supervisor on a second node: requeues the job when the first node dies",
            add_watch_host},
           {"monitor", "Started by the supervisor beside itself: metrics for Prometheus, and the recipe's alerts",
            add_monitor},
       }},
  };
  return kSections;
}

const std::vector<Group>& groups() {
  static const std::vector<Group> kGroups = {
      {"adapter", "List, inspect and convert adapters"},
      {"data", "Prepare, inspect and convert training data"},
      {"model", "Inspect and convert models"},
      {"config", "Import configurations of other programs"},
      {"checkpoint", "List, verify, prune and export a run's checkpoints"},
      {"export", "Export a run's results to other programs"},
      {"site", "List, show, check and draft profiles of clusters"},
  };
  return kGroups;
}

}  // namespace pst::cli
