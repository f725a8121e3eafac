// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "methods/pattern.hpp"
#include "weights/place.hpp"

namespace pst::config {
class Fields;
}

namespace pst::methods {

/// Which linear layers to adapt, as in PEFT: the word `all-linear`, a list of name endings, or one regular expression
/// that must match a layer's whole name; or the word `default`: those that PEFT takes where nothing is said.
struct Targets {
  enum class Kind { all_linear, family_default, names, pattern } kind = Kind::all_linear;
  std::vector<std::string> names;
  std::string pattern;
};

/// The keys with which every method that changes linear layers chooses them.
struct Targeting {
  Targets target_modules;
  std::vector<std::string> exclude_modules;
  std::vector<int> layers_to_transform;        ///< empty: all
  std::vector<std::string> target_parameters;  ///< that hold all experts of a layer; of LoRA alone
};
void bind_keys(config::Fields& field, Targeting& s);  ///< all but the last
// Of methods of PEFT that have only some of them.
void bind_target_modules(config::Fields& field, Targeting& s);
void bind_exclude_modules(config::Fields& field, Targeting& s);
void bind_layers_to_transform(config::Fields& field, Targeting& s);
bool is_targeting_key(std::string_view key);

/// A linear layer of a model.
struct LinearLayer {
  std::string name;  ///< model.layers.0.self_attn.q_proj
  std::int64_t out = 0, in = 0;
  bool is_head = false;     ///< not part of `all-linear`
  bool is_default = false;  ///< what PEFT adapts of this family where nothing is said
  bool is_expert = false;   ///< of those that a router chooses from: meant only where a target says `experts`
  bool bias = false;
  bool is_embedding = false;  ///< the last of Places::linears: rows of tokens, of which a method may adapt the matrix
  std::optional<weights::StackPlace> stack = {};  ///< of an expert's
};

enum class Embedding { not_taken, taken };  ///< by the method

/// Indices of the layers that are meant, by PEFT's rules: a list holds whole names or their endings after a dot, a
/// single string is a regular expression for the whole name. Experts are meant by neither unless it has that word.
/// The embedding is meant by its name alone.
/// @throws Error(usage) when nothing matches, or a listed name matches nothing, or the embedding of a method that does
///         not take it
std::vector<std::size_t> select_layers(const Targeting& targeting, const std::vector<LinearLayer>& layers,
                                       Embedding embedding = Embedding::not_taken);

/// Whether a layer's name is `ending`, or ends with it after a dot.
bool ends_at_a_dot(const std::string& name, const std::string& ending);

/// The first number between dots: 12 in model.layers.12.mlp.up_proj.
std::optional<std::int64_t> layer_number(const std::string& name);

/// Values by a layer's name ending or by regular expression, in the order of a map or a list; the first match wins.
template <class Value>
class ByPattern {
 public:
  /// @param key  of the recipe, for messages
  template <class Pairs>
  ByPattern(const std::string& key, const Pairs& values) {
    for (const auto& [name, value] : values) rules_.emplace_back(Pattern(key, name, "(?:.*\\.)?(?:", ")"), value);
  }
  Value of(const std::string& name, Value otherwise) const {
    for (const auto& [pattern, value] : rules_)
      if (pattern.matches_all(name)) return value;
    return otherwise;
  }

 private:
  std::vector<std::pair<Pattern, Value>> rules_;
};

}  // namespace pst::methods
