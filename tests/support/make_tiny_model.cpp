// SPDX-License-Identifier: Apache-2.0
// make-tiny-model DIR [--key value ...]: the tiny random model of tiny_model.hpp, for tests written as shell scripts.
#include <cstdio>
#include <map>
#include <string>
#include <variant>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "support/tiny_model.hpp"

namespace {

using pst::cat;
using pst::Error;
using pst::Fault;
using Target = std::variant<std::int64_t*, std::uint64_t*, double*, bool*, std::string*>;

[[noreturn]] void wrong_value(const std::string& key, const std::string& value) {
  throw Error(Fault::usage, cat(key, " cannot be ", pst::quoted(value)));
}

void set(const Target& target, const std::string& key, const std::string& value) {
  const auto whole = pst::to_int(value);
  const auto real = pst::to_double(value);
  if (const auto* text = std::get_if<std::string*>(&target)) {
    **text = value;
  } else if (const auto* flag = std::get_if<bool*>(&target)) {
    if (value != "true" && value != "false") wrong_value(key, value);
    **flag = value == "true";
  } else if (const auto* number = std::get_if<double*>(&target)) {
    if (!real) wrong_value(key, value);
    **number = *real;
  } else {
    if (!whole || *whole < 0) wrong_value(key, value);
    if (const auto* count = std::get_if<std::int64_t*>(&target)) **count = *whole;
    if (const auto* seed = std::get_if<std::uint64_t*>(&target)) **seed = static_cast<std::uint64_t>(*whole);
  }
}

void run(int count, char** arguments) {
  pst::fixture::TinyModel model;
  const std::map<std::string, Target> keys = {{"--model-type", &model.model_type},
                                              {"--sliding-window", &model.sliding_window},
                                              {"--seed", &model.seed},
                                              {"--hidden", &model.hidden},
                                              {"--layers", &model.layers},
                                              {"--heads", &model.heads},
                                              {"--kv-heads", &model.kv_heads},
                                              {"--head-dim", &model.head_dim},
                                              {"--intermediate", &model.intermediate},
                                              {"--vocab", &model.vocab},
                                              {"--max-positions", &model.max_positions},
                                              {"--attention-bias", &model.attention_bias},
                                              {"--mlp-bias", &model.mlp_bias},
                                              {"--tied", &model.tied},
                                              {"--llama3-rope", &model.llama3_rope},
                                              {"--rope-theta", &model.rope_theta},
                                              {"--rms-norm-eps", &model.rms_norm_eps},
                                              {"--init-std", &model.init_std},
                                              {"--dtype", &model.dtype},
                                              {"--config", &model.config}};
  std::string usage = "make-tiny-model DIR";
  for (const auto& entry : keys) usage += cat(" [", entry.first, " VALUE]");
  if (count < 2 || count % 2 != 0 || arguments[1][0] == '-') throw Error(Fault::usage, usage);
  for (int i = 2; i < count; i += 2) {
    const auto key = keys.find(arguments[i]);
    if (key == keys.end()) throw Error(Fault::usage, cat("unknown option ", pst::quoted(arguments[i])), usage);
    set(key->second, key->first, arguments[i + 1]);
  }
  pst::fixture::write_tiny_model(arguments[1], model);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    run(count, arguments);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return pst::exit_status(error.fault());
  }
}
