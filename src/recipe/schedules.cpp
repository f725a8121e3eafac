// SPDX-License-Identifier: Apache-2.0
#include "recipe/schedules.hpp"

#include "config/one_of.hpp"

namespace pst::recipe {

std::vector<std::pair<const char*, Slope>> words_of(Slope) {
  return {{"linear", Slope::linear}, {"cosine", Slope::cosine}, {"1-sqrt", Slope::one_minus_sqrt}};
}

void bind(config::Fields& field, Cosine& s) {
  field("num_cycles", &s.num_cycles, config::above(0), "Waves of the cosine; 0.5: it falls once.");
}

void bind(config::Fields& field, CosineWithRestarts& s) {
  field("num_cycles", &s.num_cycles, config::at_least(1), "How often it falls from the rate to 0.");
}

void bind(config::Fields& field, CosineWithMinLr& s) {
  field("num_cycles", &s.num_cycles, config::above(0), "Waves of the cosine; 0.5: it falls once.");
  field("min_lr", &s.min_lr, config::Absent::null, config::at_least(0), "The rate that it falls to.");
  field("min_lr_rate", &s.min_lr_rate, config::Absent::null, config::between(0, 1),
        "The same as a share of optimizer.lr; one of both has to be there.");
}

void bind(config::Fields& field, Polynomial& s) {
  field("lr_end", &s.lr_end, config::at_least(0), "The rate at the end, below optimizer.lr.");
  field("power", &s.power, config::above(0), "Of the share of steps that is left; 1: a straight line.");
}

void bind(config::Fields& field, InverseSqrt& s) {
  field("timescale", &s.timescale, config::Absent::null, config::at_least(1),
        "After the warm-up and three times so many steps the rate is half; `null`: the warm-up's steps, or 10000.");
}

void bind(config::Fields& field, WarmupStableDecay& s) {
  field.required("num_decay_steps", &s.num_decay_steps, config::at_least(0), "Steps in which the rate falls.");
  field("num_stable_steps", &s.num_stable_steps, config::Absent::null, config::at_least(0),
        "Steps at optimizer.lr; `null`: those that warm-up and decay leave of the run.");
  field("warmup_type", &s.warmup_type, "How the rate rises.");
  field("decay_type", &s.decay_type, "How it falls.");
  field("min_lr_ratio", &s.min_lr_ratio, config::between(0, 1),
        "Share of optimizer.lr from which it rises, and to which it falls.");
  field("num_cycles", &s.num_cycles, config::above(0), "Waves of a `cosine` decay; 0.5: it falls once.");
}

void bind(config::Fields& field, Scheduler& s) {
  field("name", &s.course,
        "Course of the learning rate after the warm-up, by transformers' names; linear and cosine end at 0. `constant` "
        "has the warm-up too.");
  config::bind_chosen(field, s.course);
  field("warmup_ratio", &s.warmup_ratio, config::from_to_below(0, 1),
        "Share of the steps in which the learning rate rises from 0; at least one step is left.");
  field("warmup_steps", &s.warmup_steps, config::Absent::null, config::at_least(0),
        "Number of those steps; counts instead of warmup_ratio.");
}

}  // namespace pst::recipe
