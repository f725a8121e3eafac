// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "plan/plan_report.hpp"
#include "recipe/recipe.hpp"
#include "site/site.hpp"

namespace pst::runs {

/// The work of a recipe over its prepared data: what the run's own order of rows says.
/// @throws Error(data) when the store is damaged
plan::Work work_of(const recipe::Recipe& recipe, const std::filesystem::path& store);

/// Where nothing can be tokenised: `steps` steps of full rows with a target at every token, which is the most there can
/// be.
plan::Work full_work(const recipe::Recipe& recipe, std::int64_t steps);

/// @param store  prepared data, or empty: then full_work over train.max_steps. @throws Error(usage) when there is
/// neither
plan::Inputs plan_inputs(const recipe::Recipe& recipe, const std::filesystem::path& store, plan::Machine machine);

/// A published machine's name, a file of `probe`, or part of the name of a machine that was probed; empty: the machine
/// that was probed here, else the only one. @throws Error(usage) naming what there is
plan::Machine find_machine(const std::string& wanted);

/// The same; where nothing is wanted and nothing was probed, this node as it is, of which no times are known.
plan::Machine find_machine_or_this(const std::string& wanted);

/// What a plan wants to know of a site, for a job of the recipe's size.
plan::SiteFacts site_facts(const site::Site& site, const recipe::Slurm& slurm);

/// plan.json for a run directory; nothing where no machine was probed, so that submitting does not depend on it.
std::optional<std::string> plan_json_for(const recipe::Recipe& recipe, const std::filesystem::path& store,
                                         const plan::SiteFacts& site = {});

}  // namespace pst::runs
