"""What the tests have run of the library, from the counts of gcov.

	coverage.py BUILD EXCEPTIONS LINES BRANCHES ROOM ...

For each file of the rooms: the lines and branches that were run, of those that
the list of exceptions does not name.  A line of EXCEPTIONS is

	file: text: reason

with a line of the source, or a part of it, or "name()" for a whole function.
REQUIRE, which only ends a program that is wrong, has no branches here.  Prints
what was not run; fails where less than LINES % and BRANCHES % were.
"""
import collections
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile


def counts(build, room):
    """file -> (line -> count, line -> [count of each branch])"""
    lines = collections.defaultdict(collections.Counter)
    branches = collections.defaultdict(dict)
    functions = collections.defaultdict(dict)
    data = [os.path.abspath(p)
            for top in ("lib", "checked/lib")
            for p in glob.glob("%s/%s/%s/*.gcda" % (build, top, room))]
    with tempfile.TemporaryDirectory() as work:
        for path in data:
            subprocess.run(["gcov", "-b", "-c", "-j", path], cwd=work,
                           check=True, capture_output=True)
            for out in glob.glob(work + "/*.gcov.json.gz"):
                with gzip.open(out) as counted:
                    for file in json.load(counted)["files"]:
                        if file["file"].startswith("lib/%s/" % room):
                            add(file, lines, branches)
                            for f in file["functions"]:
                                functions[file["file"]].update(dict.fromkeys(
                                    range(f["start_line"],
                                          f["end_line"] + 1), f["name"]))
                os.unlink(out)
    return lines, branches, functions


def add(file, lines, branches):
    for line in file["lines"]:
        n = line["line_number"]
        lines[file["file"]][n] += line["count"]
        found = [b["count"] for b in line["branches"]]
        before = branches[file["file"]].get(n, [])
        # The checked build and the other one may differ in a line.
        if len(found) == len(before):
            found = [a + b for a, b in zip(found, before)]
        elif len(found) < len(before):
            found = before
        branches[file["file"]][n] = found


def read_exceptions(path):
    with open(path) as f:
        return [line.rstrip("\n").split(": ", 2) for line in f
                if line.strip() and not line.startswith("#")]


def main():
    build, exceptions = sys.argv[1], read_exceptions(sys.argv[2])
    floors = [float(floor) for floor in sys.argv[3:5]]
    used, failed = set(), False
    sums = collections.Counter()
    for room in sys.argv[5:]:
        lines, branches, functions = counts(build, room)
        for file in sorted(lines):
            with open(file) as f:
                text = f.read().split("\n")

            def is_excepted(n):
                for i, (name, part, _) in enumerate(exceptions):
                    if name == file and (
                            part in text[n - 1] or
                            part == functions[file].get(n, "") + "()"):
                        used.add(i)
                        return True
                return False

            run = missed = taken = not_taken = 0
            for n, count in sorted(lines[file].items()):
                if count == 0 and is_excepted(n):
                    continue
                run += count > 0
                if count == 0:
                    missed += 1
                    print("%s:%d: not run: %s" %
                          (file, n, text[n - 1].strip()))
                if "REQUIRE" in text[n - 1] or count == 0:
                    continue
                for branch in branches[file][n]:
                    taken += branch > 0
                    not_taken += branch == 0
            sums["lines"] += run + missed
            sums["run"] += run
            sums["branches"] += taken + not_taken
            sums["taken"] += taken
            print("%-32s %5d lines %6.1f %%  %5d branches %6.1f %%" %
                  (file, run + missed, 100 * run / max(run + missed, 1),
                   taken + not_taken,
                   100 * taken / max(taken + not_taken, 1)))
    for i, (name, part, _) in enumerate(exceptions):
        if i not in used:
            failed = True
            print("%s: %s: is run, or not there: no exception" % (name, part))
    parts = [100 * sums["run"] / max(sums["lines"], 1),
             100 * sums["taken"] / max(sums["branches"], 1)]
    print("%d of %d lines (%.1f %%), %d of %d branches (%.1f %%), "
          "%d exceptions" % (sums["run"], sums["lines"], parts[0],
                             sums["taken"], sums["branches"], parts[1],
                             len(exceptions)))
    sys.exit(failed or parts[0] < floors[0] or parts[1] < floors[1])


main()
