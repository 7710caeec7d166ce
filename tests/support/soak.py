"""Scrapes of a daemon for as long as a program runs.

	soak.py PORT PID PROGRAM METRICS SEGMENT SECONDS

PID is the daemon's; PROGRAM is the pid of who counts.  Prints ten times, and
at the end: scrapes, the total, the daemon's memory and descriptors, the
segment's memory and what is lost in it.  Fails where a total falls, a scrape
has no answer, or memory or descriptors of the daemon grow after the first
tenth of the time.
"""
import os
import re
import subprocess
import sys
import time

from exporter import kib, scrape

ACCEPTS = ["text/plain", "application/openmetrics-text"]
TOTAL = re.compile(rb'^t_total\{[^}]*\} (\S+)$', re.M)


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def info(metrics, segment):
    out = subprocess.run([metrics, "-s", segment, "info"],
                         capture_output=True).stdout.decode()
    return dict(line.split(None, 1) for line in out.splitlines()
                if len(line.split(None, 1)) == 2)


def main():
    port, daemon, program = map(int, sys.argv[1:4])
    metrics, segment, seconds = sys.argv[4], sys.argv[5], float(sys.argv[6])
    begun = time.monotonic()
    n = total = 0
    marks, samples = 1, []
    print("%8s %9s %14s %9s %4s %12s %8s" % ("seconds", "scrapes", "total",
                                            "RSS KiB", "fds", "segment KiB",
                                            "leaked"))
    while is_alive(program):
        status, body = scrape(port, accept=ACCEPTS[n % 2], timeout=30)
        if status != 200:
            sys.exit("a scrape is answered %d" % status)
        n += 1
        now = sum(float(v) for v in TOTAL.findall(body))
        if now < total:
            sys.exit("the total fell from %.0f to %.0f" % (total, now))
        total = now
        passed = time.monotonic() - begun
        if passed >= marks * seconds / 10:
            marks += 1
            fds = len(os.listdir("/proc/%d/fd" % daemon))
            samples.append((kib(daemon, "VmRSS"), fds))
            of = info(metrics, segment)
            print("%8.0f %9d %14.0f %9d %4d %12d %8s" % (
                passed, n, total, samples[-1][0], fds,
                int(of.get("allocated_bytes", 0)) // 1024,
                of.get("leaked_bytes", "?")))
            sys.stdout.flush()
        time.sleep(min(1, seconds / 300))
    if not samples:
        sys.exit("the program ended at once")
    first, last = samples[0], max(samples[1:] or samples)
    if last[0] > 1.2 * first[0] + 4096:
        sys.exit("the daemon's memory grew from %d to %d KiB" %
                 (first[0], last[0]))
    if max(fds for _, fds in samples) > first[1] + 20:
        sys.exit("the daemon's descriptors grew")


main()
