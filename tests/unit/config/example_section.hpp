// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>

#include "config/fields.hpp"
#include "config/parse_yaml.hpp"
#include "config/print.hpp"
#include "config/reader.hpp"

namespace pst::config::example {

enum class Colour { automatic, red, green };
inline std::vector<std::pair<const char*, Colour>> words_of(Colour) {
  return {{"auto", Colour::automatic}, {"red", Colour::red}, {"green", Colour::green}};
}

struct Item {
  std::string path;
  Colour colour = Colour::automatic;
};
inline void bind(Fields& field, Item& s) {
  field.required("path", &s.path, non_empty(), "A file.");
  field("colour", &s.colour, "Its colour.");
}

struct Inner {
  int r = 16;
  double alpha = 32;
  std::optional<std::int64_t> steps;
  std::optional<int> threads;
  std::array<double, 2> betas = {0.9, 0.999};
};
inline void bind(Fields& field, Inner& s) {
  field("r", &s.r, at_least(1), "Rank.");
  field("alpha", &s.alpha, above(0), "Scale.");
  field("steps", &s.steps, Absent::null, at_least(1), "Steps.");
  field("threads", &s.threads, Absent::automatic, at_least(1), "Threads.");
  field("betas", &s.betas, from_to_below(0, 1), "Decay rates.");
}

/// Has a field of every kind that there is.
struct Whole {
  std::string name;
  bool flag = false;
  std::uint64_t seed = 42;
  std::vector<std::string> words = {"a"};
  std::map<std::string, int> ranks;
  Inner inner;
  std::vector<Item> items;
};
inline void bind(Fields& field, Whole& s) {
  field.required("name", &s.name, non_empty(), "What it is called.");
  field("flag", &s.flag, "A switch.");
  field("seed", &s.seed, "Seed.");
  field("words", &s.words, "Some words.");
  field("ranks", &s.ranks, at_least(1), "Rank by name.");
  field("inner", &s.inner, "A section.");
  field("items", &s.items, Need::optional, "A list of sections.");
}

/// All problems of `text`, one string each.
inline std::vector<std::string> problems_of(const std::string& text) {
  Problems problems;
  Whole whole;
  try {
    read(parse_yaml(text, "f.yaml", problems), whole, problems);
  } catch (const Error& error) {
    return {error.message()};
  }
  return problems.lines();
}

inline Whole must_read(const std::string& text) {
  Problems problems;
  Whole whole;
  read(parse_yaml(text, "f.yaml", problems), whole, problems);
  problems.throw_if_any();
  return whole;
}

}  // namespace pst::config::example
