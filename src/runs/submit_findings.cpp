// SPDX-License-Identifier: Apache-2.0
#include "runs/submit_findings.hpp"

#include "cluster/slurm.hpp"
#include "config/slurm_variables.hpp"
#include "core/clock.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "recipe/linear_layers.hpp"

namespace pst::runs {

using Kind = Finding::Kind;

std::vector<Finding> about_variables(const std::vector<std::string>& environment, const recipe::Slurm& slurm) {
  std::vector<std::string> withheld = config::withheld_options(environment);
  // Those of squeue and its like change only what a user sees of it.
  std::erase_if(withheld, [](const std::string& name) {
    return !name.starts_with("SBATCH_") && !name.starts_with("SRUN_") && !name.starts_with("SLURM_");
  });
  std::vector<Finding> all;
  for (const auto& entry : environment) {
    if (entry.starts_with("SBATCH_ACCOUNT=") && !slurm.account) {
      all.push_back({Kind::note, cat("the account comes from this shell: ", quoted(entry)), {}});
      std::erase(withheld, "SBATCH_ACCOUNT");
    }
    if (entry.starts_with("SLURM_CLUSTERS="))
      all.push_back({Kind::note,
                     cat("Slurm's commands are given ", quoted(entry),
                         " of this shell, now and whenever "
                         "you ask for the run: keep it set"),
                     {}});
  }
  if (!withheld.empty())
    all.push_back({Kind::note,
                   cat("not given to Slurm: ", join(withheld, ", "),
                       " of this shell; what the job asks for is in the "
                       "recipe's slurm section and the site profile"),
                   {}});
  return all;
}

Finding about_associations(const std::optional<std::vector<std::string>>& limits) {
  if (!limits)
    return {Kind::note, "no accounting database answers: limits of account and QOS show only in sbatch's answer", {}};
  if (limits->empty()) return {Kind::note, "the accounting database lists no association of yours", {}};
  return {
      Kind::note,
      cat("your associations (account|partition|qos|max wall|max TRES|TRES minutes|max jobs): ", join(*limits, "; ")),
      {}};
}

Finding about_queue(const std::string& partition) {
  const auto waiting = cluster::waiting_jobs(partition);
  if (!waiting) return {Kind::note, cat("squeue does not say how many jobs wait in partition ", partition), {}};
  return {Kind::note, cat(*waiting, *waiting == 1 ? " job waits" : " jobs wait", " in partition ", partition), {}};
}

Finding about_trial(const cluster::Trial& trial) {
  if (!trial.accepted)
    return {Kind::wrong, cat("sbatch refuses the job: ", trial.words), cluster::remedy_for_refusal(trial.words)};
  std::string text = "sbatch accepts the job";
  // Behind jobs without a time limit Slurm reckons with centuries.
  const auto year = to_int(trial.start.value_or("").substr(0, 4));
  if (year && *year > to_int(iso_time(unix_seconds()).substr(0, 4)).value_or(0) + 1)
    return {Kind::ok, text + "; Slurm cannot say when it would start: jobs without a time limit are in its way", {}};
  if (trial.start) text += cat("; as things are now it starts at ", *trial.start);
  if (!trial.where.empty()) text += cat(" ", trial.where);
  return {Kind::ok, text, {}};
}

std::vector<Finding> about_partition(const recipe::Slurm& slurm, const cluster::Partition& partition) {
  std::vector<Finding> all;
  const std::string of = cat("partition ", partition.name);
  if (const std::string state = partition.value("State"); !state.empty() && state != "UP")
    all.push_back(
        {Kind::wrong, cat(of, " is ", state), "sinfo shows which ones are up; or wait until it is", Fault::unfit});
  const int nodes = slurm.nodes + slurm.spares;
  for (const char* key : {"MaxNodes", "TotalNodes"}) {
    const auto most = to_int(partition.value(key));
    if (!most || nodes <= *most) continue;
    all.push_back({Kind::wrong, cat(of, " has ", key, "=", *most, ", and the job wants ", nodes, " nodes"),
                   "lower slurm.nodes or slurm.spares, or set another slurm.partition"});
    break;
  }
  const auto wanted = recipe::slurm_seconds(slurm.time), most = recipe::slurm_seconds(partition.value("MaxTime"));
  if (most && (!wanted || *wanted > *most))
    all.push_back({Kind::wrong, cat(of, " allows ", partition.value("MaxTime"), ", and slurm.time is ", slurm.time),
                   cat("set slurm.time to ", partition.value("MaxTime"), " and submit a chain: --jobs ",
                       wanted ? (*wanted + *most - 1) / std::max<std::int64_t>(*most, 1) : 2)});
  if (all.empty())
    all.push_back({Kind::ok, cat(of, ": up, ", partition.value("TotalNodes"), " nodes, time limit ",
                                 partition.value("MaxTime"))});
  return all;
}

Finding about_disk(const std::string& folder, std::uint64_t needed_bytes, std::uint64_t free_bytes) {
  const std::string text = cat(human_bytes(free_bytes), " free in ", folder,
                               "; checkpoints and adapters come to about ", human_bytes(needed_bytes));
  if (needed_bytes < free_bytes) return {Kind::ok, text, {}};
  return {Kind::wrong, text,
          cat("free ", human_bytes(needed_bytes - free_bytes),
              ", set output_dir to another disk, or "
              "lower checkpoint.keep"),
          Fault::unfit};
}

Finding about_files(const std::string& folder, std::uint64_t needed, std::optional<std::uint64_t> free) {
  if (!free) return {Kind::note, cat("the file system of ", folder, " has no fixed number of files"), {}};
  const std::string text = cat(*free, " more files can be made in ", folder, "; the run makes about ", needed);
  if (needed < *free) return {Kind::ok, text, {}};
  return {Kind::wrong, text, "remove files that are no longer needed there, or set output_dir to another disk",
          Fault::unfit};
}

Finding about_quota(const cluster::QuotaAnswer& answer, std::uint64_t needed_bytes, std::uint64_t needed_files) {
  if (!answer.quota)
    return {Kind::note,
            cat("your quota is not known (", answer.asked, "): ask the site's own command, if it has one, whether ",
                human_bytes(needed_bytes), " and ", needed_files, " files fit"),
            {}};
  const auto& q = *answer.quota;
  if (!q.limits()) return {Kind::ok, cat(answer.asked, ": you have no limit there"), {}};
  const auto left = [](std::uint64_t used, std::uint64_t limit) { return limit > used ? limit - used : 0; };
  std::string text = cat(answer.asked, ":");
  bool fits = true;
  if (q.bytes > 0) {
    text += cat(" ", human_bytes(left(q.used_bytes, q.bytes)), " left of your ", human_bytes(q.bytes));
    fits = needed_bytes < left(q.used_bytes, q.bytes);
  }
  if (q.files > 0) {
    text += cat(q.bytes > 0 ? ", " : " ", left(q.used_files, q.files), " left of your ", q.files, " files");
    fits = fits && needed_files < left(q.used_files, q.files);
  }
  if (fits) return {Kind::ok, text, {}};
  return {Kind::wrong, cat(text, "; needed are about ", human_bytes(needed_bytes), " and ", needed_files, " files"),
          "remove what is no longer needed, set output_dir to another file system, or lower checkpoint.keep",
          Fault::unfit};
}

std::uint64_t files_of_a_run(const recipe::Recipe& recipe) {
  constexpr std::uint64_t kOfARun = 40, kOfACheckpoint = 4;  // recipe, records, job script, logs, prepared data
  const auto ranks = static_cast<std::uint64_t>(recipe.slurm.nodes) *
                     static_cast<std::uint64_t>(std::max(1, recipe.slurm.ranks_per_node));
  const auto checkpoints = recipe.checkpoint.enabled ? static_cast<std::uint64_t>(recipe.checkpoint.keep) + 2 : 0;
  return kOfARun + 2 * static_cast<std::uint64_t>(recipe.slurm.nodes) + checkpoints * (ranks + kOfACheckpoint);
}

std::uint64_t bytes_of_a_run(const recipe::Recipe& recipe) {
  const auto places = recipe::places_of(families::read_model(recipe.model.path));
  std::uint64_t adapter = 0, state = 0;
  for (const auto& tensor : methods::tensors_of(recipe.adapter, places)) {
    if (!tensor.trained) continue;
    adapter += 4 * static_cast<std::uint64_t>(methods::values_of(tensor));
    for (const auto& array : recipe::state_of(recipe.optimizer, tensor.shape))
      state += size_of(array.dtype) * static_cast<std::uint64_t>(recipe::values_of(array));
  }
  state += static_cast<std::uint64_t>(recipe::kept_arrays(recipe.train)) * adapter;
  // The kept ones, the best, and the one being written.
  const auto checkpoints = recipe.checkpoint.enabled ? static_cast<std::uint64_t>(recipe.checkpoint.keep) + 2 : 0;
  return (adapter + state) * checkpoints + adapter;
}

}  // namespace pst::runs
