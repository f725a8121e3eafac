// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "cluster/child.hpp"

/// What a supervisor does to the job that it runs in.
namespace pst::cluster {

/// "n[1-3],x7" as Slurm lists nodes -> n1 n2 n3 x7. @throws Error(transient) with Slurm's words
std::vector<std::string> node_names(const std::string& list);

/// Whether a program can be started on that node of our job, within a few seconds. Slurm itself believes in a dead node
/// for SlurmdTimeout, 5 minutes by default.
bool answers(const std::string& node);

/// Kills every process of the job's steps that are called `name`. Quiet where there is none.
void end_steps(const std::string& job_id, const std::string& name);

/// The id to requeue: in an array that of the element, since its plain number would move the whole array.
std::string requeue_id();

/// Puts the job back into the queue; Slurm ends what runs of it. @throws Error with Slurm's words
void requeue(const std::string& job_id);

/// The program that slurmctld sends its mails with (MailProg). @throws Error when Slurm does not say
std::string mail_program();

std::string step_name(int attempt);  ///< of the workers' step: pst-attempt-3

/// `argv` as one process on `node`, beside whatever else runs in the job. @param name  of the step
ChildSettings on_node(const std::string& node, const std::string& name, std::vector<std::string> argv,
                      std::filesystem::path output);

}  // namespace pst::cluster
