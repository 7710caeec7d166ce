"""What a dashboard must be, and the queries that it makes.

usage: dashboard.py DASHBOARD [PROMETHEUS]

Checks the model: one id for each panel, no panel upon another, every target and
panel with the data source's variable, no variable that is not defined.  With the
address of a Prometheus: each query returns data there.  Prints what is wrong.
"""

import json
import re
import sys
import time
import urllib.parse
import urllib.request

with open(sys.argv[1]) as f:
    board = json.load(f)
variables = {v["name"] for v in board["templating"]["list"]}
wrong = []
ids = set()
taken = {}
queries = []
for panel in board["panels"]:
    where = "%s: " % panel["title"]
    if panel["id"] in ids:
        wrong.append(where + "its id stands twice")
    ids.add(panel["id"])
    g = panel["gridPos"]
    if g["x"] + g["w"] > 24:
        wrong.append(where + "is beyond the page")
    for cell in ((x, y) for x in range(g["x"], g["x"] + g["w"])
                 for y in range(g["y"], g["y"] + g["h"])):
        if cell in taken:
            wrong.append(where + "lies upon " + taken[cell])
            break
        taken[cell] = panel["title"]
    if panel["type"] == "row":
        continue
    for thing in [panel] + panel["targets"]:
        if thing["datasource"] != {"type": "prometheus",
                                   "uid": "${datasource}"}:
            wrong.append(where + "another data source")
    if not panel["description"]:
        wrong.append(where + "has no description")
    for target in panel["targets"]:
        expr = target["expr"]
        used = set(re.findall(r"\$(\w+)", expr)) - {"__rate_interval"}
        if used - variables:
            wrong.append(where + "no variable %s" % (used - variables))
        if "$job" not in expr or "$instance" not in expr:
            wrong.append(where + "a selector without a variable: " + expr)
        queries.append((panel["title"], re.sub(
            r"\$(job|instance|segment)", ".*",
            expr.replace("$__rate_interval", "15s"))))
if not re.fullmatch("[A-Za-z0-9_-]{1,40}", board["uid"]):
    wrong.append("the uid is " + board["uid"])


def ask(query):
    with urllib.request.urlopen(
            "http://%s/api/v1/query?%s" % (sys.argv[2], urllib.parse.urlencode(
                {"query": query})), timeout=20) as r:
        return json.load(r)["data"]["result"]


if len(sys.argv) > 2:
    deadline = time.monotonic() + 40
    left = queries
    while left and time.monotonic() < deadline:
        left = [q for q in left if not ask(q[1])]
        time.sleep(0.5)
    wrong += ["%s: no data: %s" % q for q in left]
print("%d panels, %d queries" % (len(ids), len(queries)))
print("\n".join(wrong))
sys.exit(bool(wrong) or not queries)
