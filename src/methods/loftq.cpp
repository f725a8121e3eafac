// SPDX-License-Identifier: Apache-2.0
#include "methods/loftq.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "methods/method.hpp"

namespace pst::methods {

using weights::NumberFormat;

void check_loftq(const Adapter& adapter, NumberFormat kept, NumberFormat stored) {
  if (adapter.method->name != "lora") return;
  const Lora& keys = adapter.as<Lora>();
  const auto refuse = [](const std::string& what, const std::string& remedy) {
    throw Error(Fault::usage, cat("adapter.", what), remedy);
  };
  const auto& [bits, rounds] = keys.loftq_config;
  if (keys.init_lora_weights != LoraInit::loftq) {
    if (bits != Loftq{}.loftq_bits || rounds != Loftq{}.loftq_iter)
      refuse("loftq_config is for init_lora_weights: loftq alone", "take it out, or write init_lora_weights: loftq");
    return;
  }
  if (bits != 4 && bits != 8) refuse(cat("loftq_config.loftq_bits is ", bits), "write 4 (NF4) or 8 (INT8)");
  if (rounds != 1)
    refuse(
        cat("loftq_config.loftq_iter is ", rounds,
            ": later rounds quantise another matrix than the model's, and the adapter would belong to a base that no "
            "file holds"),
        "write loftq_iter: 1");
  const NumberFormat wanted = bits == 4 ? NumberFormat::nf4 : NumberFormat::int8;
  if (kept != wanted)
    refuse(cat("init_lora_weights is loftq with ", bits, " bits, and the base is kept in ", weights::name_of(kept)),
           cat("write model.quantization.format: ", weights::name_of(wanted)));
  if (stored != NumberFormat::none)
    refuse(cat("init_lora_weights is loftq, and the model's folder is in ", weights::name_of(stored),
               " already: what was lost is not in it"),
           "name the folder of the model's bf16 version");
}

}  // namespace pst::methods
