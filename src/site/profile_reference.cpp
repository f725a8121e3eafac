// SPDX-License-Identifier: Apache-2.0
#include "config/catalogue.hpp"
#include "core/strings.hpp"
#include "site/load_profile.hpp"

namespace pst::site {

std::string reference_page() {
  Site site;
  const auto rows = config::catalogue([&](config::Fields& fields) { bind(fields, site); });
  return cat(R"(# Site profiles

<!-- Written from the declarations in src/site by `PST_UPDATE_DOCS=1 site_test`. Do not edit by hand. -->

This page answers: how does the program know a cluster, and how do I describe mine?

A recipe says what to train. A site profile says how jobs are written on one machine: queues and
their limits, how GPUs are asked for, what starts the workers, modules, variables of the network.
From both, `peft-studio submit` writes the whole job script; nobody edits one.

<!-- needs: cluster -->
```sh
peft-studio site list                  # the profiles that are found, and which one fits this host
peft-studio site show olcf-frontier    # one with everything it inherits
peft-studio site probe --name mine >mine.yaml   # drafts one from sinfo, scontrol and srun
peft-studio site check mine.yaml       # mistakes; where Slurm is at hand, differences from what it says
peft-studio submit my.yaml --dry-run   # the job script, with remarks
```

## Which profile is taken

`slurm.site` of the recipe is a name, a file, or `auto` (the default). `auto` takes the profile
whose `match` fits this host, else `generic`, which asks Slurm for what the recipe says and for
nothing else. When more than one fits, that is an error that names them. Profiles are searched in
this order, and the first of a name wins:

1. the folders of `$PST_SITES` (several with `:` between)
2. yours: `$XDG_CONFIG_HOME/peft-studio/sites`, else `~/.config/peft-studio/sites`
3. the system's: `<prefix>/etc/peft-studio/sites`, `/etc/peft-studio/sites`
4. those that came with the program: `<prefix>/share/peft-studio/sites` (the build folder is such a
   prefix too)

Each run keeps the effective profile as `site.yaml`. So changing a profile does not alter a run that
has begun.

## Write one

```yaml
# ~/.config/peft-studio/sites/our-cluster.yaml
name: our-cluster
title: the group's cluster
inherits: generic
match: { host: ['^login[12]\.our-cluster$'] }
account_required: true
partitions:
  - { name: gpu, default: true, max_nodes: 8, max_time: 1-00:00:00, gpus_per_node: 4, cpus_per_node: 64 }
  - { name: test, max_nodes: 1, max_time: 00:30:00, gpus_per_node: 4, cpus_per_node: 64 }
modules: [openmpi/4.1.6]
environment: { NCCL_SOCKET_IFNAME: ib0 }
```

- `site check FILE` reports every mistake at once, with file, line and column. Unknown keys are
  mistakes.
- A profile may inherit from one of the same name in a later folder: `name: lumi-g`,
  `inherits: lumi-g` in your own folder changes what you need and keeps the rest.
- Limits are checked before anything is submitted: "partition batch of olcf-frontier allows 02:00:00
  for 1-91 nodes, and slurm.time is 06:00:00". Leave out a limit that you do not know; Slurm has the
  last word.
- Whoever writes a profile is trusted: `setup` lines run in the job. So one that others than its
  owner may write is refused. Everything else is data. No value of a recipe or profile can become a
  directive or a command; a test tries with hostile ones.
- The profiles that come with the program say in `tested` how far to trust them. `run-there` was run
  on that machine. `documentation` was written from the public pages listed under `sources`, and has
  not been run there; figures that those pages do not give are left out. Please report what is
  wrong.

## Launchers, and who notices what

The supervisor runs in the batch script, on the host and outside any container. It starts the
workers by the site's `launcher`. In all cases the ranks report to it every second, so it
notices a silent rank or node within seconds. Only `completed.json` proves success.

| launcher | a rank dies | a node dies | spares, shrinking, second watcher |
|---|---|---|---|
| `srun_pmix`, `srun_pmi2`, `srun_cray_shasta` | srun ends the step at once (`--kill-on-bad-exit=1`) | heartbeats stop | yes: steps are placed with `--nodelist` |
| `mpirun` | mpirun ends, within a second or two | heartbeats stop. mpirun itself may return 0 for a lost node: it is never believed | yes: ranks are placed with `--host`; the watcher is a step of srun |
| `ibrun` | what ibrun starts decides; at the latest heartbeats stop | heartbeats stop | no: ibrun takes the whole job, so `slurm.spares` has to be 0 and a lost node means a requeue |

`srun_pmi2` and `srun_cray_shasta` need a worker that was built with an MPI of that kind; Open MPI 5
knows PMIx only. Where they do not fit, every rank finds that it is alone and stops with status 64
and one line.

## Containers

Only the workers run in a container, because `scontrol` and `srun` are on the host.

- `apptainer`: each rank is `apptainer exec --bind ... image peft-studio-worker`.
- `pyxis`: srun gets `--container-image` and `--container-mounts`.
- Sites with a flag of their own (CSCS: `--environment=my.toml`) take it as `extra_srun`.

The run's folder is always bound. Model, data and prepared data have to lie below one of `binds`.

## Secrets

`slurm.secrets_file` of a recipe, or `secrets_file` of a profile, names a file of `NAME=value` lines
(`#` begins a remark, values are taken literally). It must belong to you and have mode 0600, else it
is refused. The supervisor reads it in the job and puts the variables into the workers' environment.
They are in no script, no log, no argument list and not in Slurm's database.

## Every key

)",
             config::to_markdown(rows));
}

}  // namespace pst::site
