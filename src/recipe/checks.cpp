// SPDX-License-Identifier: Apache-2.0
#include "recipe/checks.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>

#include "core/strings.hpp"
#include "methods/matrix_b.hpp"
#include "methods/method.hpp"
#include "recipe/load.hpp"

namespace pst::recipe {
namespace {

/// "1, 2 or 4": the numbers of ranks that share `micro_batches` equally.
std::string possible_ranks(std::int64_t micro_batches) {
  constexpr std::size_t kShown = 12;
  constexpr std::int64_t kMostRanks = 1 << 16;  // a search for divisors of a wild number has to end
  std::vector<std::string> divisors;
  for (std::int64_t ranks = 1; ranks <= std::min(micro_batches, kMostRanks) && divisors.size() < kShown; ++ranks)
    if (micro_batches % ranks == 0) divisors.push_back(cat(ranks));
  return config::either(divisors);
}

/// What is wrong with sharing a step among `ranks`, or nothing.
std::optional<std::string> uneven_share(const Train& train, std::int64_t ranks) {
  const std::int64_t micro_batches = train.global_batch_size / train.micro_batch_size;
  if (micro_batches % ranks == 0) return std::nullopt;
  return cat("a step of ", train.global_batch_size, " rows is ", micro_batches, " micro batches of ",
             train.micro_batch_size, ", which ", ranks, " ranks cannot share equally; ", possible_ranks(micro_batches),
             " ranks can");
}

class Checker {
 public:
  Checker(const Recipe& recipe, const config::Places& places, config::Problems& problems)
      : recipe_(recipe), places_(places), problems_(problems) {}

  void batches() {
    const Train& train = recipe_.train;
    if (!good({"train.global_batch_size", "train.micro_batch_size"})) return;
    const std::int64_t micro = train.micro_batch_size, global = train.global_batch_size;
    if (global % micro != 0) {
      const auto below = global / micro * micro;
      add(first_written({"train.global_batch_size", "train.micro_batch_size"}),
          cat("train.global_batch_size is ", global, ", no multiple of train.micro_batch_size, ", micro, "; ",
              below > 0 ? cat(below, " or ") : std::string(), below + micro, " is"));
      return;
    }
    if (!good({"slurm.nodes", "slurm.ranks_per_node"})) return;
    const std::int64_t ranks = std::int64_t{recipe_.slurm.nodes} * recipe_.slurm.ranks_per_node;
    if (const auto uneven = uneven_share(train, ranks))
      add(first_written({"train.global_batch_size", "train.micro_batch_size", "slurm.nodes", "slurm.ranks_per_node"}),
          cat(*uneven, " (slurm.nodes x slurm.ranks_per_node)"));
  }

  void validation() {
    const Data& data = recipe_.data;
    if (data.validation_fraction > 0 && !data.validation.empty())
      add("data.validation_fraction", "data.validation_fraction and data.validation exclude each other; remove one");
    std::set<std::string_view> trained;
    for (std::size_t i = 0; i < data.train.size(); ++i)
      if (const auto& path = data.train[i].path; !path.empty() && !trained.insert(path).second)
        add(cat("data.train[", i, "].path"),
            cat(quoted(path), " is in data.train twice; raise train.epochs to see it more often"));
    for (std::size_t i = 0; i < data.validation.size(); ++i)
      if (const auto& path = data.validation[i].path; trained.contains(path))
        add(cat("data.validation[", i, "].path"),
            cat(quoted(path), " is in data.train as well: its loss would say nothing; use validation_fraction"));
  }

  void targets() {
    const methods::Targeting& targeting = recipe_.adapter.targeting;
    if (targeting.target_modules.kind == methods::Targets::Kind::names && targeting.target_modules.names.empty() &&
        targeting.target_parameters.empty())
      add("adapter.target_modules",
          "adapter.target_modules is an empty list; it must be all-linear or at least one name");
  }

  void warmup() {
    const auto& steps = recipe_.scheduler.warmup_steps;
    const auto& most = recipe_.train.max_steps;
    if (steps && most && *steps > *most)
      add("scheduler.warmup_steps", cat("scheduler.warmup_steps is ", *steps, ", more than train.max_steps, ", *most));
  }

  void floors() {
    if (!good({"optimizer.lr", "scheduler.name"})) return;
    const double lr = recipe_.optimizer.lr;
    const Course& course = recipe_.scheduler.course;
    if (const auto* cosine = std::get_if<CosineWithMinLr>(&course)) {
      if (cosine->min_lr.has_value() == cosine->min_lr_rate.has_value())
        add(first_written({"scheduler.min_lr", "scheduler.name"}),
            "cosine_with_min_lr needs scheduler.min_lr or scheduler.min_lr_rate, and not both");
      else if (cosine->min_lr && *cosine->min_lr > lr)
        add("scheduler.min_lr", cat("scheduler.min_lr is ", *cosine->min_lr, ", above optimizer.lr, ", lr));
    }
    if (const auto* polynomial = std::get_if<Polynomial>(&course); polynomial != nullptr && polynomial->lr_end >= lr)
      add("scheduler.lr_end", cat("scheduler.lr_end is ", polynomial->lr_end, ", not below optimizer.lr, ", lr));
  }

  void schedule_free() {
    const bool constant = std::holds_alternative<Constant>(recipe_.scheduler.course) ||
                          std::holds_alternative<ConstantWithWarmup>(recipe_.scheduler.course);
    if (std::holds_alternative<ScheduleFreeAdamW>(recipe_.optimizer.rule) && !constant &&
        good({"scheduler.name", "optimizer.name"}))
      add(first_written({"scheduler.name", "optimizer.name"}),
          "optimizer.name schedule_free_adamw averages in place of a schedule; write scheduler.name: constant");
  }

  void relative_step() {
    const auto* const rule = std::get_if<Adafactor>(&recipe_.optimizer.rule);
    if (rule == nullptr) return;
    if (rule->warmup_init && !rule->relative_step)
      add("optimizer.warmup_init", "optimizer.warmup_init is of no use without optimizer.relative_step: true");
    if (!rule->relative_step) return;
    for (const char* key : {"optimizer.lr", "optimizer.loraplus_lr_ratio"})
      if (places_.has(key))
        add(key, cat(key, " does not count with optimizer.relative_step: true; remove one of them"));
  }

  void loraplus() {
    const Optimizer& optimizer = recipe_.optimizer;
    if (!optimizer.loraplus_lr_ratio) {
      const auto tell = [&](const char* key) {
        add(key, cat(key, " is of no use without optimizer.loraplus_lr_ratio"));
      };
      if (optimizer.loraplus_lr_embedding != Optimizer().loraplus_lr_embedding) tell("optimizer.loraplus_lr_embedding");
      if (optimizer.loraplus_weight_decay) tell("optimizer.loraplus_weight_decay");
      return;
    }
    if (!methods::has_matrix_b(*recipe_.adapter.method))
      add("optimizer.loraplus_lr_ratio", cat("optimizer.loraplus_lr_ratio is for matrices B, which adapter.type ",
                                             recipe_.adapter.method->name, " does not have; remove it"));
    if (optimizer.lr == 0)
      add("optimizer.loraplus_lr_ratio", "optimizer.loraplus_lr_ratio multiplies optimizer.lr, which is 0");
  }

  void gpus() {
    const Slurm& slurm = recipe_.slurm;
    if (slurm.gpus_per_node && slurm.ranks_per_node > *slurm.gpus_per_node)
      add("slurm.gpus_per_node", cat("slurm.ranks_per_node is ", slurm.ranks_per_node, ", but slurm.gpus_per_node ",
                                     *slurm.gpus_per_node, "; every rank uses one GPU"));
    if (slurm.gpus_per_node && recipe_.train.device == DeviceChoice::cpu)
      add("slurm.gpus_per_node",
          "slurm.gpus_per_node asks for GPUs that train.device: cpu leaves idle; remove slurm.gpus_per_node");
  }

  void kept_values() {
    const Train& train = recipe_.train;
    const bool stops = train.early_stopping.patience.has_value(), best = keeps_best(train);
    const std::string key = stops ? "train.early_stopping.patience" : "train.load_best_model_at_end";
    if ((stops || best) && recipe_.data.validation_fraction == 0 && recipe_.data.validation.empty())
      add(key, cat(key,
                   " goes by the validation loss, but no example is held out; set data.validation_fraction or "
                   "data.validation"));
    if (stops && !recipe_.evaluate.every_steps)
      add(key, cat(key, " counts evaluations, but evaluate.every_steps is null; set it"));
    if (std::holds_alternative<ScheduleFreeAdamW>(recipe_.optimizer.rule)) {  // exchanges its average with the values
      if (train.ema.decay)
        add("train.ema.decay",
            "train.ema averages the trained values, but optimizer.name schedule_free_adamw has an average of its own; "
            "write train.ema.decay: null");
      if (best)
        add(key,
            "the best values are to be kept, but optimizer.name schedule_free_adamw results in its last average; "
            "write train.load_best_model_at_end: false");
    }
    const methods::Method& method = *recipe_.adapter.method;
    if (method.whole_on_every_rank == nullptr || !method.whole_on_every_rank(recipe_.adapter))
      return;  // what it trains depends on the step
    if (train.ema.decay)
      add("train.ema.decay", cat("train.ema averages the trained values, but adapter.type ", method.name,
                                 " gives some of them up while it trains; write train.ema.decay: null"));
    if (best)
      add(key, cat("the best values are to be kept, but adapter.type ", method.name,
                   " gives some of them up while it trains; write train.load_best_model_at_end: false"));
  }

  void guard() {
    if (recipe_.guard.not_finite == GuardAction::warn)
      add("guard.not_finite",
          "guard.not_finite is warn, but an update with NaN in it leaves nothing to go on with; write stop, skip or "
          "rollback");
  }

  void profile() {
    const auto& [first, last, ranks] = recipe_.profile;
    if (last && (!first || *last < *first))
      add("profile.last_step", first ? cat("profile.last_step is ", *last, ", before profile.first_step, ", *first)
                                     : std::string("profile.last_step is of no use without profile.first_step"));
    const auto& most = recipe_.train.max_steps;
    if (first && most && *first > *most)
      add("profile.first_step", cat("profile.first_step is ", *first, ", beyond train.max_steps, ", *most));
  }

  void threads() {
    const auto& threads = recipe_.train.threads;
    const auto& cpus = recipe_.slurm.cpus_per_rank;
    if (threads && cpus && *threads > *cpus)
      add("train.threads",
          cat("train.threads is ", *threads, ", more than the cores of a rank, slurm.cpus_per_rank ", *cpus));
  }

 private:
  bool good(std::initializer_list<const char*> paths) const {
    return std::none_of(paths.begin(), paths.end(), [&](const char* path) { return places_.is_wrong(path); });
  }
  /// The first of the keys that the user wrote: that is where to look.
  std::string first_written(std::initializer_list<const char*> paths) const {
    for (const char* path : paths)
      if (places_.has(path)) return path;
    return *paths.begin();
  }
  void add(const std::string& path, const std::string& what) { problems_.add(places_.of(path), what); }

  const Recipe& recipe_;
  const config::Places& places_;
  config::Problems& problems_;
};

}  // namespace

void check_together(const Recipe& recipe, const config::Places& places, config::Problems& problems) {
  Checker checker(recipe, places, problems);
  checker.batches();
  checker.validation();
  checker.targets();
  checker.warmup();
  checker.floors();
  checker.schedule_free();
  checker.relative_step();
  checker.loraplus();
  checker.gpus();
  checker.kept_values();
  checker.guard();
  checker.profile();
  checker.threads();
  check_alerts(recipe, places, problems);
}

void check_ranks(const Recipe& recipe, int ranks) {
  if (ranks < 1) throw Error(Fault::usage, cat(ranks, " ranks cannot train"));
  if (const auto uneven = uneven_share(recipe.train, ranks))
    throw Error(Fault::usage, *uneven, "start another number of ranks, or change train.global_batch_size");
}

}  // namespace pst::recipe
