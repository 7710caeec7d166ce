"""A test of rules for promtool, from a list of what makes each alert fire.

usage: rules.py RULES CASES DIRECTORY

CASES is JSON: alert, series (each a selector and values, so many minutes apart,
or 1), at.  Writes a file for each number of minutes.
Of each case the alert fires, with whatever labels; and with the same series at
the beginning it does not.  Ends with 1 where an alert of the rules has no case.
"""

import json
import re
import sys

import yaml

rules, cases, directory = sys.argv[1:]
with open(rules) as f:
    groups = yaml.safe_load(f)["groups"]
alerts = [(r["alert"], r.get("labels", {}).get("metric"))
          for g in groups for r in g["rules"] if "alert" in r]
with open(cases) as f:
    cases = json.load(f)
missing = {a for a, _ in alerts} - {c["alert"] for c in cases}
if missing:
    sys.exit("no case for %s" % ", ".join(sorted(missing)))
tests = {}
for c in cases:
    fires = 'count(ALERTS{alertname="%s",alertstate="firing"}) > 0' % c["alert"]
    minutes = c.get("minutes", 1)
    tests.setdefault(minutes, []).append({
        "name": c["alert"], "interval": "%dm" % minutes,
        "input_series": [{"series": s, "values": v} for s, v in c["series"]],
        "promql_expr_test": [
            {"expr": "(%s) * 0 + 1" % fires, "eval_time": c["at"],
             "exp_samples": [{"labels": "{}", "value": 1}]},
            {"expr": fires, "eval_time": "1m", "exp_samples": []}]})
for minutes in tests:
    with open("%s/%d.test.yml" % (directory, minutes), "w") as f:
        yaml.safe_dump({"rule_files": [rules],
                        "evaluation_interval": "%dm" % minutes,
                        # Else an alert may come before what it looks at.
                        "group_eval_order": [g["name"] for g in groups],
                        "tests": tests[minutes]}, f)
