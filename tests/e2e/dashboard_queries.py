#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks a Prometheus every query of a Grafana dashboard, as Grafana would, until each has returned data for a run.

  dashboard_queries.py PROMETHEUS DASHBOARD RUN SECONDS     http://127.0.0.1:9090 configs/grafana/x.json x-7f3a 60
"""

import json
import re
import sys
import time
import urllib.parse
import urllib.request

server, dashboard_file, run, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])


def ask(path, **parameters):
    with urllib.request.urlopen(f"{server}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
        answered = json.load(answer)
    assert answered["status"] == "success", answered
    return answered["data"]


def panels(of):
    for panel in of.get("panels", []):
        yield panel
        yield from panels(panel)


with open(dashboard_file, encoding="utf-8") as file:
    dashboard = json.load(file)

wanted = {}  # query -> where it stands
for panel in panels(dashboard):
    for target in panel.get("targets", []):
        query = target["expr"].replace("$__rate_interval", "20s").replace("$run", run)
        assert "$" not in query, f"a variable that the test does not know: {query}"
        wanted[query] = f"{panel['title']}, {target['refId']}"
assert len(wanted) > 5, f"{dashboard_file} has {len(wanted)} queries"

variable = next(v for v in dashboard["templating"]["list"] if v["name"] == "run")
metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
deadline = time.monotonic() + seconds
known, answers = False, {}
while time.monotonic() < deadline and not (known and len(answers) == len(wanted)):
    known = known or run in ask(f"label/{label}/values", **{"match[]": metric})
    for query in wanted.keys() - answers.keys():
        if found := ask("query", query=query)["result"]:
            answers[query] = found
    time.sleep(0.5)

for query in wanted.keys() - answers.keys():
    print(f"no data: {wanted[query]}: {query}")
for query, found in answers.items():
    for series in found:  # of this run, and labelled with what the panel's legend shows
        if series["metric"].get("run") != run:
            print(f"another run's data: {wanted[query]}: {series['metric']}")
            sys.exit(1)
if not known:
    print(f"the variable 'run' does not offer {run}")
print(f"{dashboard_file}: {len(answers)} of {len(wanted)} queries have returned data, {sum(map(len, answers.values()))} series")
sys.exit(0 if known and len(answers) == len(wanted) else 1)
