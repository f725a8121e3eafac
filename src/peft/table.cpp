// SPDX-License-Identifier: Apache-2.0
// What the methods of src/methods compute: a row of the same name each.
#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "peft/adapter.hpp"

namespace pst::peft {

using Make = std::unique_ptr<Adapter>(nn::CausalLm&, const methods::Adapter&, at::ScalarType, at::Device);
Make make_adalora, make_beft, make_boft, make_c3a, make_deft, make_delora, make_fourierft, make_frod, make_glora,
    make_gralora, make_hira, make_hra, make_ia3, make_ln_tuning, make_loha, make_lokr, make_lora, make_miss, make_oft,
    make_osf, make_p_tuning, make_peanut, make_poly, make_prefix_tuning, make_prompt_tuning, make_psoft, make_pvera,
    make_randlora, make_road, make_shira, make_supertuning, make_tinylora, make_trainable_tokens, make_unilora,
    make_vera, make_waveft;

namespace {

struct Row {
  std::string_view name;
  Make* make;
};
constexpr std::array kTable = {Row{"lora", &make_lora},
                               Row{"adalora", &make_adalora},
                               Row{"beft", &make_beft},
                               Row{"boft", &make_boft},
                               Row{"c3a", &make_c3a},
                               Row{"deft", &make_deft},
                               Row{"delora", &make_delora},
                               Row{"fourierft", &make_fourierft},
                               Row{"frod", &make_frod},
                               Row{"glora", &make_glora},
                               Row{"gralora", &make_gralora},
                               Row{"hira", &make_hira},
                               Row{"hra", &make_hra},
                               Row{"ia3", &make_ia3},
                               Row{"ln_tuning", &make_ln_tuning},
                               Row{"loha", &make_loha},
                               Row{"lokr", &make_lokr},
                               Row{"miss", &make_miss},
                               Row{"oft", &make_oft},
                               Row{"osf", &make_osf},
                               Row{"p_tuning", &make_p_tuning},
                               Row{"peanut", &make_peanut},
                               Row{"poly", &make_poly},
                               Row{"prefix_tuning", &make_prefix_tuning},
                               Row{"prompt_tuning", &make_prompt_tuning},
                               Row{"psoft", &make_psoft},
                               Row{"pvera", &make_pvera},
                               Row{"randlora", &make_randlora},
                               Row{"road", &make_road},
                               Row{"shira", &make_shira},
                               Row{"supertuning", &make_supertuning},
                               Row{"tinylora", &make_tinylora},
                               Row{"trainable_tokens", &make_trainable_tokens},
                               Row{"unilora", &make_unilora},
                               Row{"vera", &make_vera},
                               Row{"waveft", &make_waveft}};

}  // namespace

std::unique_ptr<Adapter> make_adapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                      at::Device device) {
  const auto row =
      std::find_if(kTable.begin(), kTable.end(), [&](const Row& r) { return r.name == recipe.method->name; });
  if (row == kTable.end()) throw Error(Fault::bug, cat("src/peft has no row for ", recipe.method->name));
  std::vector<const nn::Linear*> bases;
  for (const nn::LinearSlot& slot : model.linears()) bases.push_back(slot.linear->get());
  auto adapter = row->make(model, recipe, compute, device);
  adapter->attach_biases(bases);
  return adapter;
}

}  // namespace pst::peft
