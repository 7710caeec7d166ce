"""Scrapes of a daemon beside an enemy of one of its segments.

	scrape_beside.py PORT PID SCRAPES LINT

Scrapes in each format, one after the other, and asks of each answer: 200, the
line "good_total 42" of the segment that nobody harms, and no finding of LINT,
the program with its verb.  Each fiftieth OpenMetrics answer is also read by
Python's strict parser.  Prints the slowest scrape, the most memory and the
descriptors of the daemon, which must not grow.
"""
import os
import subprocess
import sys
import time

from exporter import kib, scrape
from prometheus_client.openmetrics.parser import text_string_to_metric_families

FORMATS = {
    "text/plain": "text",
    "application/openmetrics-text": "openmetrics",
    "application/vnd.google.protobuf;"
    "proto=io.prometheus.client.MetricFamily;encoding=delimited": "protobuf",
}


def check(number, form, body, lint):
    if form == "protobuf":
        return b"good_total" in body
    if body.count(b'\ngood_total{segment="good"} 42\n') != 1:
        return False
    if form == "openmetrics" and number % 50 == 1:
        list(text_string_to_metric_families(body.decode()))
    # Help and names are those of the enemy: only faults of the text count.
    lint = subprocess.run(lint + ["-"], input=body, capture_output=True)
    if lint.returncode != 0:
        print(lint.stdout.decode()[:2000], lint.stderr.decode()[:2000])
    return lint.returncode == 0


def main():
    port, pid, n = map(int, sys.argv[1:4])
    lint = sys.argv[4:]
    slowest, bodies = 0, set()
    descriptors = len(os.listdir("/proc/%d/fd" % pid))
    for i in range(n):
        accept, form = list(FORMATS.items())[i % len(FORMATS)]
        begun = time.monotonic()
        status, body = scrape(port, accept=accept)
        slowest = max(slowest, time.monotonic() - begun)
        if status != 200 or not check(i, form, body, lint):
            with open("/tmp/scrape", "wb") as f:
                f.write(body)
            sys.exit("scrape %d, %s: status %d, %d bytes" %
                     (i, form, status, len(body)))
        bodies.add(len(body))
    more = len(os.listdir("/proc/%d/fd" % pid)) - descriptors
    print("%d scrapes, %d sizes, slowest %.3f s, at most %d KiB, "
          "%+d descriptors" %
          (n, len(bodies), slowest, kib(pid, "VmHWM"), more))
    if more > 8:
        sys.exit("descriptors grew by %d" % more)


main()
