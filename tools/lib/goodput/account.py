# SPDX-License-Identifier: Apache-2.0
"""Counts what a disturbed job made of its time, from the run's own records: called by tools/goodput.

  account.py OUT PROGRAM MACHINE PERIOD    OUT as tools/goodput left it; MACHINE: a file of `peft-studio probe`, or nothing

Writes OUT/table.md and OUT/goodput.json; exit status 1 when a step or an adapter differs from the undisturbed run's.
"""
import datetime
import glob
import hashlib
import json
import os
import statistics
import subprocess
import sys

SETTLED_S = 10  # after a new step, until a stretch counts as undisturbed
NOTICES = {"rank-lost", "no-progress", "node-lost", "attempt-ended", "requeued"}


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def lines(path):
    with open(path) as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:  # the node died while it wrote
                continue


def steps_of(run):
    """Every recorded step of rank 0, in the order of time: (time, attempt, step, loss, norm of the gradient)."""
    found = []
    for path in glob.glob(f"{run}/attempts/*/nodes/*.jsonl"):
        attempt = int(path.split("/")[-3])
        for record in lines(path):
            if record.get("kind") == "step" and any(row[0] == 0 for row in record["us"]):
                found.append((seconds(record["t"]), attempt, record["step"], record["loss"], record["grad_norm"]))
    return sorted(found)


def only(pattern):
    found = glob.glob(pattern)
    if len(found) != 1:
        sys.exit(f"account.py: one folder was expected: {pattern}")
    return found[0]


def faults_of(path):
    with open(path) as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    return [{"kind": kind, "injected": float(at), "outcome": outcome} for kind, at, _, outcome in rows]


def follow(fault, until, steps, events, usual_step):
    """What the fault cost, in `fault`: the time from the last step before it to the first new one is not training's."""
    injected = fault["injected"]
    noticed = [t for t, event in events if event in NOTICES and injected <= t < until]
    attempts = [a for t, a, *_ in steps if t <= injected]
    before = max(attempts, default=1)
    highest = max((step for _, attempt, step, *_ in steps if attempt <= before), default=0)
    last = max((t for t, attempt, *_ in steps if attempt <= before), default=injected)
    later = [s for s in steps if before < s[1] and s[0] < until]
    fresh = [t for t, _, step, *_ in later if step > highest]
    starts = [t for t, event in events if event == "started" and injected <= t < until]
    fault["noticed_s"] = min(noticed) - injected if noticed else None
    fault["started_s"] = min(starts) - injected if starts else None
    fault["restarts"] = len(starts)
    fault["new_step_s"] = min(fresh) - injected if fresh else None
    fault["repeated"] = sum(1 for s in later if s[2] <= highest and (not fresh or s[0] < min(fresh)))
    fault["lost_s"] = min(fresh) - last - usual_step if fresh else 0.0
    fault["over_at"] = min(fresh) if fresh else injected


def stretches_of(begin, end, faults):
    at, out = begin, []
    for fault in faults:
        out.append((at, fault["injected"]))
        at = fault["over_at"] + SETTLED_S
    return out + [(at, end)]


def rate_of(stretches, steps):
    """Steps per second over stretches of time, each between two of its records."""
    count = time = 0.0
    for begin, end in stretches:
        inside = [t for t, *_ in steps if begin <= t <= end]
        if len(inside) > 1:
            count, time = count + len(inside) - 1, time + inside[-1] - inside[0]
    return count / time, time


def differences(steps, others):
    """How many steps were seen in both (or twice in one) and how many of those have another loss or gradient."""
    known, compared, wrong = {}, 0, 0
    for _, _, step, *numbers in others:
        known.setdefault(step, numbers)
    for _, _, step, *numbers in steps:
        if step in known:
            compared += 1
            wrong += known[step] != numbers
    return compared, wrong


def repeats(steps):
    seen, compared, wrong = {}, 0, 0
    for _, _, step, *numbers in steps:
        if step in seen:
            compared += 1
            wrong += seen[step] != numbers
        seen.setdefault(step, numbers)
    return compared, wrong


def adapter_of(program, run, step, folder):
    subprocess.run([program, "checkpoint", "export", run, folder, "--step", str(step)], check=True, stdout=subprocess.DEVNULL)
    with open(f"{folder}/adapter_model.safetensors", "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def common_adapters(out, program, run, alone):
    def kept(folder):
        return {int(os.path.basename(path)[5:]) for path in glob.glob(f"{folder}/checkpoints/step-????????")}

    both = kept(run) & kept(alone)
    if not both:
        return None
    step = max(both)
    digests = []
    for name, folder in (("run", run), ("alone", alone)):
        target = f"{out}/adapter-{name}"
        subprocess.run(["rm", "-rf", target], check=True)
        digests.append(adapter_of(program, folder, step, target))
    return {"step": step, "same": digests[0] == digests[1], "sha256": digests}


def plan_of(out, program, machine, nodes, period):
    """What plan predicts for this recipe when a node fails so often."""
    if not machine:
        return None
    text = subprocess.run([program, "plan", f"{out}/work/recipe.yaml", "--json", "--machine", machine,
                           "--node-mtbf", str(period * nodes / 3600)], check=True, stdout=subprocess.PIPE).stdout
    prediction = json.loads(text)["prediction"]
    saving = prediction["checkpoint"]
    return {"goodput": prediction["total_s"] / prediction["expected_s"], "start_s": prediction["start_s"], **saving}


def middle(values):
    values = [value for value in values if value is not None]
    return f"{statistics.median(values):.1f}, {max(values):.1f}" if values else "-"


def table_of(result):
    rows = ["| fault | times | recovered | noticed after, s: median, worst | next new step after, s: median, worst | steps repeated | seconds lost |",
            "|---|---|---|---|---|---|---|"]
    faults = result["faults"]
    for kind in sorted({fault["kind"] for fault in faults}):
        some = [fault for fault in faults if fault["kind"] == kind]
        rows.append(f"| {kind} | {len(some)} | {sum(f['outcome'] == 'recovered' for f in some)} | {middle([f['noticed_s'] for f in some])} "
                    f"| {middle([f['new_step_s'] for f in some])} | {sum(f['repeated'] for f in some)} | {sum(f['lost_s'] for f in some):.1f} |")
    rows.append(f"| all | {len(faults)} | {sum(f['outcome'] == 'recovered' for f in faults)} | | | {sum(f['repeated'] for f in faults)} "
                f"| {sum(f['lost_s'] for f in faults):.1f} |")
    rows += ["", f"{result['seconds']:.0f} s, {result['steps']} steps that counted, {result['recorded'] - result['steps']} repeated; a step takes "
             f"{result['step_s']['undisturbed_stretches']:.3f} s in the undisturbed stretches ({result['stretches_s']:.0f} s of them; median "
             f"{result['step_s']['median']:.3f} s)" + (f" and {result['step_s']['undisturbed_job']:.3f} s in the undisturbed job before it"
                                                       if result["step_s"]["undisturbed_job"] else "") + ".",
             f"Goodput {result['goodput']:.4f}" + (f"; plan predicted {result['plan']['goodput']:.4f}" if result["plan"] else "") + ".",
             f"{result['repeats'][0]} repeated steps: {result['repeats'][1]} with another loss or gradient than the first time; "
             f"{result['against_alone'][0]} steps that the undisturbed rank made too: {result['against_alone'][1]} differ."]
    same = result["adapter"]
    rows.append(f"Adapter at step {same['step']}: {'the same bits as' if same['same'] else 'OTHER BITS THAN'} the undisturbed rank's."
                if same else "No checkpoint that the undisturbed rank has too: adapters were not compared.")
    return "\n".join(rows) + "\n"


def main():
    out, program, machine, period = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    run, alone = only(f"{out}/work/runs/goodput-*"), only(f"{out}/work/alone/goodput-*")
    with open(f"{out}/window") as file:
        begin, end = map(float, file.read().split())
    steps = steps_of(run)
    events = sorted((seconds(e["t"]), e["event"]) for e in lines(f"{run}/events.jsonl"))
    gaps = [b[0] - a[0] for a, b in zip(steps, steps[1:]) if a[1] == b[1]]
    median = statistics.median(gaps)
    faults = faults_of(f"{out}/faults.tsv")
    for i, fault in enumerate(faults):
        follow(fault, faults[i + 1]["injected"] if i + 1 < len(faults) else end, steps, events, median)
    rate, stretches_s = rate_of(stretches_of(begin, end, faults), steps)
    inside = [s for s in steps if begin < s[0] <= end]
    counted = max(s[2] for s in inside) - max((s[2] for s in steps if s[0] <= begin), default=0)
    reference = [s for folder in glob.glob(f"{out}/work/undisturbed/goodput-*") for s in steps_of(folder)]
    lone = steps_of(alone)
    result = {"seconds": end - begin, "steps": counted, "recorded": len(inside), "goodput": counted / (rate * (end - begin)),
              "stretches_s": stretches_s,
              "step_s": {"undisturbed_stretches": 1 / rate, "median": median,
                         "undisturbed_job": 1 / rate_of([(0, end)], reference)[0] if len(reference) > 1 else None},
              "faults": faults, "repeats": repeats(steps), "against_alone": differences(steps, lone),
              "adapter": common_adapters(out, program, run, alone), "plan": plan_of(out, program, machine, 2, period)}
    with open(f"{out}/goodput.json", "w") as file:
        json.dump(result, file, indent=1)
    text = table_of(result)
    with open(f"{out}/table.md", "w") as file:
        file.write(text)
    print(text, end="")
    differs = result["repeats"][1] or result["against_alone"][1] or (result["adapter"] and not result["adapter"]["same"])
    lost = any(fault["outcome"] != "recovered" for fault in faults)
    sys.exit(1 if differs or lost else 0)


if __name__ == "__main__":
    main()
