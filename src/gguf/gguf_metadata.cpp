// SPDX-License-Identifier: Apache-2.0
#include "gguf/gguf_metadata.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::gguf {
namespace {

/// Keys that repeat what the tensors' sizes say, or say nothing of what a model computes. Of the two epsilons each
/// architecture has one.
constexpr std::array<std::string_view, 7> kHarmless = {"attention.causal",
                                                       "attention.head_count_kv",
                                                       "attention.layer_norm_epsilon",
                                                       "attention.layer_norm_rms_epsilon",
                                                       "feed_forward_length",
                                                       "tensor_data_layout",
                                                       "vocab_size"};

}  // namespace

double decimal(double value) {
  const auto single = static_cast<float>(value);
  if (static_cast<double>(single) != value) return value;
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), single).ptr;
  double exact = value;
  std::from_chars(text.data(), end, exact);
  return exact;
}

std::string Metadata::key(std::string_view name) const { return cat(architecture_, ".", name); }
bool Metadata::has(std::string_view name) const { return file_.find(key(name)) != nullptr; }

std::string Metadata::asked(std::string_view name) const {
  asked_.emplace(name);
  return key(name);
}
void Metadata::ignore(std::string_view name) const { asked_.emplace(name); }

void Metadata::refuse(const std::string& reason, const std::string& remedy) const {
  throw Error(Fault::data, cat(file_.path().string(), ": ", reason), remedy);
}

std::int64_t Metadata::size(std::string_view name, std::int64_t most) const {
  const auto value = file_.needed_integer(asked(name));
  if (value < 1 || value > most) refuse(cat(key(name), " is ", value, "; it must lie from 1 to ", most));
  return value;
}

std::optional<std::int64_t> Metadata::integer(std::string_view name) const { return file_.integer(asked(name)); }
std::optional<bool> Metadata::flag(std::string_view name) const { return file_.flag(asked(name)); }
std::optional<std::string> Metadata::text(std::string_view name) const { return file_.text(asked(name)); }

std::optional<double> Metadata::positive(std::string_view name) const {
  const auto value = file_.real(asked(name));
  if (value && (!(*value > 0) || !std::isfinite(*value))) refuse(cat(key(name), " is not above 0"));
  return value ? std::optional(decimal(*value)) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> Metadata::integers(std::string_view name) const {
  const std::string whole = asked(name);
  const Value* const value = file_.find(whole);
  if (!value || std::holds_alternative<std::int64_t>(*value)) return std::nullopt;
  return *file_.integers(whole);
}

void Metadata::refuse_unasked() const {
  for (const std::string& key : file_.keys()) {
    if (!key.starts_with(architecture_ + ".")) continue;
    const std::string name = key.substr(architecture_.size() + 1);
    if (asked_.contains(name) || std::find(kHarmless.begin(), kHarmless.end(), name) != kHarmless.end()) continue;
    refuse(cat("it has metadata ", quoted(key), ", and it is not known what a ", architecture_, " computes with it"),
           "take the model's Hugging Face folder");
  }
}

}  // namespace pst::gguf
