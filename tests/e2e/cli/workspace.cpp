// SPDX-License-Identifier: Apache-2.0
#include "e2e/cli/workspace.hpp"

#include <sys/mount.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/digest.hpp"
#include "core/strings.hpp"
#include "rundir/run_dir.hpp"
#include "support/tiny_model.hpp"

namespace pst::e2e {
namespace {

const char* const kRecipe = R"(name: tiny
model: { path: model }
data:
  train: [ { path: data.jsonl } ]
  max_length: 64
train: { max_steps: 2, micro_batch_size: 1, global_batch_size: 2 }
)";

const char* const kChat = R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]})";

}  // namespace

Workspace::Workspace() {
  fs::create_directories(dir_ / "bin");
  fixture::write_tiny_model(dir_ / "model");
  write("recipe.yaml", kRecipe);
  for (int i = 0; i < 4; ++i) append("data.jsonl", cat(kChat, "\n"));
  // The tools that scripts need, and nothing of Slurm or MPI that this machine may have.
  for (const char* tool :
       {"sh", "bash", "env", "cat", "touch", "sleep", "cp", "mkdir", "rm", "hostname", "dirname", "grep", "setsid"})
    for (const char* folder : {"/bin", "/usr/bin"})
      if (fs::exists(fs::path(folder) / tool) && !fs::exists(dir_ / "bin" / tool))
        fs::create_symlink(fs::path(folder) / tool, dir_ / "bin" / tool);
  add_program("worker", "exit 75");
  set("PATH", (dir_ / "bin").string());
  set("PST_WORKER", (dir_ / "bin/worker").string());
}

void Workspace::write(const std::string& name, const std::string& text) const { std::ofstream(dir_ / name) << text; }
void Workspace::append(const std::string& name, const std::string& text) const {
  std::ofstream(dir_ / name, std::ios::app) << text;
}

void Workspace::add_program(const std::string& name, const std::string& body) const {
  write("bin/" + name, "#!/bin/sh\n" + body + "\n");
  fs::permissions(dir_ / "bin" / name, fs::perms::owner_all);
}

fs::path Workspace::add_run(const std::string& name, const std::string& id) const {
  const rundir::RunDir run(dir_ / "runs" / (name + "-" + id));
  fs::create_directories(run.root());
  fs::copy_file(dir_ / "recipe.yaml", run.recipe());
  run.write_record({.id = id, .name = name, .model_path = dir_ / "model", .store = dir_ / "store"});
  return run.root();
}

void Workspace::add_finishing_worker() const {
  const rundir::RunDir staged(dir_ / "staged");
  fs::create_directories(staged.adapter());
  write("staged/adapter/adapter_model.safetensors", "weights");
  staged.write_completed({.steps = 2,
                          .adapter_digest = digest("weights"),
                          .train_loss = 0.5,
                          .validation_loss_before = 2.5,
                          .validation_loss_after = 0.25,
                          .seconds = 3,
                          .tokens = 1234,
                          .attempt = 1,
                          .ranks = 1,
                          .finished = "2026-01-01T00:00:00.000Z"});
  add_program("worker", cat("echo '{\"kind\":\"step\",\"step\":2,\"total_steps\":2,\"loss\":0.5,\"lr\":0.0002}' > "
                            "\"$3/attempts/0001/nodes/n.jsonl\"\n",
                            "cp -r '", staged.adapter().string(), "' \"$3/\"\n", "cp '",
                            (staged.root() / "completed.json").string(), "' \"$3/\""));
}

cluster::Captured Workspace::in_here(std::vector<std::string> command) const {
  std::vector<std::string> argv = {"/usr/bin/env", "-C", dir_.path().string(), "-u", "SLURM_JOB_ID"};
  for (const auto& [name, value] : environment_) argv.push_back(name + "=" + value);
  argv.insert(argv.end(), command.begin(), command.end());
  return cluster::capture({.argv = std::move(argv), .timeout_s = 60});
}

cluster::Captured Workspace::call(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {PST_PROGRAM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return in_here(std::move(command));
}

cluster::Captured Workspace::shell(const std::string& line) const {
  return in_here({cat("PST=", PST_PROGRAM), "bash", "-c", line});
}

std::vector<std::string> Workspace::suspicious() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".part") || name.find(".tmp.") != std::string::npos) found.push_back(entry.path().string());
  }
  const auto status = call({"status", "--json"});
  for (const auto& run : nlohmann::json::parse(status.out)) {
    const auto state = run["state"].get<std::string>();
    if (state != "failed" && state != "cancelled") found.push_back(cat("run ", run["run"], " is ", state));
  }
  return found;
}

SmallDisk::SmallDisk(const fs::path& at, const std::string& options) : at_(at) {
  fs::create_directories(at);
  mounted_ = ::mount("tmpfs", at.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
}

void SmallDisk::fill() const {
  std::ofstream ballast(at_ / "ballast");
  const std::string block(1024, 'x');
  while (ballast << block << std::flush) {
  }
}

}  // namespace pst::e2e
