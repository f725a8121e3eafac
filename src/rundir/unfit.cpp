// SPDX-License-Identifier: Apache-2.0
#include "rundir/unfit.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/json_file.hpp"

namespace pst::rundir {
namespace {

fs::path file_of(const RunDir& run, int attempt) { return run.attempt(attempt) / "unfit.json"; }

}  // namespace

void write_unfit(const RunDir& run, int attempt, const Unfit& unfit) noexcept {
  try {
    write_json(file_of(run, attempt), {{"nodes", join(unfit.nodes, ",")}, {"reason", unfit.reason}});
  } catch (const std::exception&) {
    // The workers' own words tell it too; only which node to avoid is lost.
  }
}

std::optional<Unfit> read_unfit(const RunDir& run, int attempt) {
  std::error_code status;
  if (!fs::exists(file_of(run, attempt), status)) return std::nullopt;
  try {
    const json::Document document = read_json(file_of(run, attempt));
    const json::Object file = document.object();
    return Unfit{split(file.at("nodes").text(), ','), file.at("reason").text()};
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace pst::rundir
