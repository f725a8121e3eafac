// SPDX-License-Identifier: Apache-2.0
#include "peft/found_start.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "ops/torch_exec.hpp"
#include "weights/adapter_names.hpp"

namespace pst::peft {

void FoundStart::take(const std::string& layer, LowRank& start) const {
  const auto put = [&](const char* name, const at::Tensor& values) {
    const weights::Tensor* const stored = store_.find(weights::adapter_tensor_name(cat(layer, ".", name)));
    if (stored == nullptr) return;
    if (stored->shape != values.sizes().vec())
      throw Error(Fault::data, cat("the start of ", stored->name, " is of another size than the adapter"),
                  "remove start.safetensors from the run's folder: it is made anew");
    values.copy_(ops::tensor_over(const_cast<std::byte*>(stored->bytes.data()), stored->shape, stored->core_dtype()));
  };
  put(methods::kLoraA, start.a_ri);
  put(methods::kLoraB, start.b_or);
}

std::optional<FoundStart> found_start(const methods::Lora& keys) {
  if (!keys.start_values || keys.start_values->empty()) return std::nullopt;
  return FoundStart(*keys.start_values);
}

}  // namespace pst::peft
