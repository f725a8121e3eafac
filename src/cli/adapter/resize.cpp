// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "adapters/arithmetic.hpp"
#include "cli/verb.hpp"
#include "core/strings.hpp"

namespace pst::cli {

Runner add_adapter_resize(CLI::App& app) {
  struct Arguments {
    std::string adapter, to;
    std::int64_t rank = 0;
    double energy = 1;
  };
  auto arguments = std::make_shared<Arguments>();
  app.add_option("ADAPTER", arguments->adapter, "A PEFT folder of plain LoRA")->required();
  app.add_option("DIR", arguments->to, "Folder to create for the smaller adapter")->required();
  app.add_option("--rank", arguments->rank, "The most that a layer's rank may be")
      ->check(CLI::Range(1, 1 << 16))
      ->required();
  app.add_option("--energy", arguments->energy,
                 "Layers get a lower rank still, where it keeps this share of their sum of squares")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  return [arguments] {
    const auto resized = adapters::resize(arguments->adapter, arguments->rank, arguments->energy, arguments->to);
    std::cout << "resized adapter in " << arguments->to << ": " << grouped(resized.after) << " values of "
              << grouped(resized.before) << ", with " << fixed(100 * resized.kept, 2)
              << " % of the updates' sum of squares";
    if (!resized.worst.empty())
      std::cout << "; least, " << fixed(100 * resized.worst_kept, 2) << " %, in " << resized.worst;
    std::cout << '\n';
    return 0;
  };
}

}  // namespace pst::cli
