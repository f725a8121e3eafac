// SPDX-License-Identifier: Apache-2.0
#include "config/catalogue.hpp"
#include "core/strings.hpp"
#include "site/load.hpp"

namespace pst::site {

std::string reference_page() {
  Site site;
  const auto rows = config::catalogue([&](config::Fields& fields) { bind(fields, site); });
  return cat(R"(# Site profiles: what a job script knows of the machine

<!-- Written from the declarations in src/site by `PST_UPDATE_DOCS=1 site_test`. Do not edit by hand. -->

A recipe says what to train, a site profile how jobs are written on one machine: queues and their limits, how GPUs are asked for, what starts the
workers, modules, variables of the fabric. With both, `peft-studio submit` writes the whole job script; nobody edits one.

<!-- needs: cluster -->
```sh
peft-studio site list                  # the profiles that are found, and which one fits this host
peft-studio site show olcf-frontier    # one with everything it inherits
peft-studio site probe --name mine >mine.yaml   # drafts one from sinfo, scontrol and srun
peft-studio site check mine.yaml       # mistakes; where Slurm is at hand, differences from what it says
peft-studio submit my.yaml --dry-run   # the job script, with a remark on every line that is not obvious
```

## Which profile

`slurm.site` of the recipe: a name, a file, or `auto` (the default): the profile whose `match` fits this host, else `generic`, which asks Slurm for
what the recipe says and for nothing else. More than one that fits is an error that names them. Profiles are searched in this order, the first of a name wins:

1. the folders of `$PST_SITES` (several with `:` between)
2. yours: `$XDG_CONFIG_HOME/peft-studio/sites`, else `~/.config/peft-studio/sites`
3. the system's: `<prefix>/etc/peft-studio/sites`, `/etc/peft-studio/sites`
4. those that came with the program: `<prefix>/share/peft-studio/sites` (the build folder is such a prefix too)

The effective profile is kept as `site.yaml` with every run: a profile that is changed later does not alter a run that has begun.

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

- A mistake is reported with file, line and column, all of them at once; unknown keys are mistakes. `site check FILE` does nothing else.
- A profile may inherit from one of the same name in a later folder: `name: lumi-g`, `inherits: lumi-g` in your own folder changes what you need and
  keeps the rest.
- Limits are checked before anything is submitted: "partition batch of olcf-frontier allows 02:00:00 for 1-91 nodes, and slurm.time is 06:00:00". A
  limit that is not known is left out; Slurm has the last word.
- Whoever writes a profile is trusted: `setup` lines run in the job. Everything else is data. No value of a recipe or profile can become a directive or a
  command: each goes through an encoder, and a test tries with hostile ones.
- The profiles that come with the program say what they are: `tested: run-there`, or `documentation`, which means that they were written from
  the public pages listed under `sources` and have not been run on that machine. Figures that those pages do not give are left out. Please report what is wrong.

## Launchers, and who notices what

The supervisor runs in the batch script, on the host and outside any container, and starts the workers by the site's `launcher`. In all cases the ranks
report to it every second over TCP, so a silent rank or node is noticed within seconds, and `completed.json` alone is the proof of success.

| launcher | a rank dies | a node dies | spares, shrinking, second watcher |
|---|---|---|---|
| `srun_pmix`, `srun_pmi2`, `srun_cray_shasta` | srun ends the step at once (`--kill-on-bad-exit=1`) | heartbeats stop | yes: steps are placed with `--nodelist` |
| `mpirun` | mpirun ends, within a second or two | heartbeats stop. mpirun itself may return 0 for a lost node: it is never believed | yes: ranks are placed with `--host`; the watcher is a step of srun |
| `ibrun` | what ibrun starts decides; at the latest heartbeats stop | heartbeats stop | no: ibrun takes the whole job, so `slurm.spares` has to be 0 and a lost node means a requeue |

`srun_pmi2` and `srun_cray_shasta` need a worker that was built with an MPI of that kind; Open MPI 5 knows PMIx only. Where they do not fit, every rank finds that it is
alone and stops with status 64 and one line.

## Containers

Only the workers run in it, since `scontrol` and `srun` are on the host. `apptainer`: each rank is `apptainer exec --bind ... image peft-studio-worker`; `pyxis`: srun gets
`--container-image` and `--container-mounts`. The run's folder is always bound; model, data and prepared data have to lie below one of `binds`. Sites with a flag
of their own (CSCS: `--environment=my.toml`) take it as `extra_srun`.

## Secrets

`slurm.secrets_file` of a recipe, or `secrets_file` of a profile, names a file of `NAME=value` lines (`#` begins a remark, values are taken literally). It must belong to
you and have mode 0600, else it is refused. The supervisor reads it in the job and puts the variables into the workers' environment: they are in no script, no
log, no argument list and not in Slurm's database.

## Every key

)",
             config::to_markdown(rows));
}

}  // namespace pst::site
