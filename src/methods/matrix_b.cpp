// SPDX-License-Identifier: Apache-2.0
#include "methods/matrix_b.hpp"

#include "core/error.hpp"

namespace pst::methods {

bool has_matrix_b(const Method& method) {
  const LinearLayer layer{.name = "model.layers.0.self_attn.q_proj", .out = 4096, .in = 4096, .is_default = true};
  try {
    for (const Adapted& adapted : adapt(Adapter(method), {layer}))
      for (const AdapterTensor& tensor : adapted.tensors)
        if (tensor.name.find("lora_B") != std::string::npos) return true;
  } catch (const Error&) {  // it adapts no such layer
  }
  return false;
}

}  // namespace pst::methods
