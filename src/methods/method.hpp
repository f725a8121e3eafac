// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/view.hpp"
#include "json/object.hpp"
#include "methods/adapter.hpp"
#include "methods/places.hpp"
#include "methods/targets.hpp"

namespace pst::methods {

/// A tensor of an adapter.
struct AdapterTensor {
  std::string name;  ///< PEFT's: after the layer's name, "lora_A.weight"; of one that layers share, all of it
  std::vector<std::int64_t> shape;
  bool trained = true;       ///< else a function of keys and seed
  bool saved = true;         ///< in the adapter's file. What is trained always is
  Dtype dtype = Dtype::f32;  ///< there; what is trained is f32
  std::int64_t parts = 1;    ///< of equal size that it is kept in, in training
};

/// A layer that gets an adapter: all that the plan and the code that trains need to know of it.
struct Adapted {
  std::size_t layer = 0;  ///< into the layers given
  std::vector<AdapterTensor> tensors;
  std::int64_t rank = 0;    ///< of a low-rank update; 0: the method has no such products
  double scale = 1;         ///< of the update
  double dropout = 0;       ///< chance of zeroing an input feature
  bool keeps_input = true;  ///< for its backward
  std::int64_t kept = 0;    ///< values that it keeps of each token besides
  std::int64_t made = 0;    ///< values that it makes for a pass, whatever the tokens: a matrix of the layer's size
  /// Of an expert whose tensors are those of all: the module that PEFT names them after; the first expert has them.
  std::string stack_module = {};
};

/// A row of table(): what an adapter of one peft_type is. What it computes is a row of the same name in src/peft.
struct Method {
  std::string_view name;                            ///< `adapter.type`: PEFT's peft_type in lower case
  std::string_view help;                            ///< one line
  void (*defaults)(Adapter& s);                     ///< of its own keys, and of which layers it adapts
  void (*bind)(config::Fields& field, Adapter& s);  ///< its keys, those that choose layers among them
  /// Null: it adapts no linear layer.
  /// @throws Error(usage) when it fits no layer, or not the layers that are meant
  std::vector<Adapted> (*adapt)(const Adapter& adapter, const std::vector<LinearLayer>& layers) = nullptr;
  /// Tensors that layers share; null: there are none.
  std::vector<AdapterTensor> (*shared)(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                                       const std::vector<Adapted>& adapted) = nullptr;

  /// Tensors of its own that belong to no linear layer, by their whole names in the model; null: there are none.
  /// @throws Error(usage) when the model has no place for them
  std::vector<AdapterTensor> (*beside)(const Adapter& adapter, const Places& places) = nullptr;
  /// Rows that it puts before every document; null: none.
  std::int64_t (*virtual_rows)(const Adapter& adapter) = nullptr;

  /// A text whose tokens it starts from: Adapter::start_tokens; null, or nothing: none.
  std::optional<std::string> (*start_text)(const Adapter& adapter) = nullptr;
  /// What a run of so many steps makes of its keys that they do not say; empty: nothing. Null: steps do not matter.
  /// @throws Error(usage) when the keys fit no run of so many
  std::string (*note_on_steps)(const Adapter& adapter, std::int64_t steps) = nullptr;
  /// Arrays of its own state in a training, each as large as all trained values; null: none.
  std::int64_t (*state_arrays)(const Adapter& adapter) = nullptr;
  /// Whether optimizer and masters cannot lie in shares; null: they can.
  bool (*whole_on_every_rank)(const Adapter& adapter) = nullptr;
  /// Whether it changes nothing before the first step; null: nothing.
  bool (*starts_at_base)(const Adapter& adapter) = nullptr;
  /// Why what it makes of a model is no model of the same form, with other matrices, biases, norms or rows; null, or
  /// empty: it is one, and can be merged.
  std::string_view (*kept_apart)(const Adapter& adapter) = nullptr;
  /// PEFT's word for its key `bias` where the biases of adapted layers are trained; empty: it has no such key.
  std::string_view bias_of_adapted = {};
  std::string_view served_by = {};  ///< programs besides PEFT that load its plain form: "vLLM, llama.cpp"

  // Where PEFT's keys and the recipe's are the same, declared.hpp serves for what follows, and these are null.
  /// Keys of PEFT's that are no keys of the recipe, with the only values that are honoured: a JSON object.
  std::string_view fixed = {};
  /// What its adapter_config.json says besides what all say. Sets are sorted lists, as PEFT writes them.
  json::Ordered (*peft_config)(const Adapter& adapter, const std::vector<std::string>& modules) = nullptr;
  /// The section that such a file amounts to. @throws Error(data) for what is not supported
  Adapter (*read_peft_config)(const json::Object& config) = nullptr;
  /// @throws Error(usage) naming the key in which `stored` cannot be the start of `wanted`
  void (*check_start)(const Adapter& stored, const Adapter& wanted) = nullptr;
};

/// Whether it may train modules whole besides: it has PEFT's key `modules_to_save`.
bool takes_saved_modules(const Method& method);
std::string_view kept_apart(const Adapter& adapter);  ///< why it cannot be merged; empty: it can
bool is_whole_on_every_rank(const Adapter& adapter);  ///< optimizer and masters cannot lie in shares

std::span<const Method* const> table();
const Method* find(std::string_view name);  ///< nullptr: no such row

}  // namespace pst::methods
