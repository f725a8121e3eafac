// SPDX-License-Identifier: Apache-2.0
#include "rundir/finished_adapter.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::rundir {

fs::path finished_adapter(const RunDir& run) {
  if (!run.read_completed())
    throw Error(Fault::data, cat("run ", run.root().string(), " has no finished adapter: there is no completed.json"),
                cat("peft-studio status ", shell_quoted(run.root().string())));
  return run.adapter();
}

}  // namespace pst::rundir
