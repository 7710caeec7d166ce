"""What looking costs at 100,000 series: the page, top, and others of their kind.

eyes.py BUILD SECONDS: CPU time of a second of each, in milliseconds, and bytes.
"""
import glob
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

BUILD, SECONDS = sys.argv[1], int(sys.argv[2])
PAGE = "cmd/codeai-metricsd/live/page/panels.js"
N_SERIES = 100000
started = []


def start(*command, **options):
    options.setdefault("stdout", subprocess.DEVNULL)
    options.setdefault("stderr", subprocess.DEVNULL)
    process = subprocess.Popen(command, **options)
    started.append(process)
    return process


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until(check):
    for _ in range(300):
        try:
            if check():
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    sys.exit("gave up")


def get(url):
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def report(name, seconds, used, size, note=""):
    print(f"{name:44s} {used / seconds * 1000:8.1f} {size / seconds:12.0f}  {note}")


def poll(name, pid, urls, note=""):
    """Ask once a second, and see what the server pays."""
    for url in urls:
        get(url)
    time.sleep(1)
    begun, before, size = time.monotonic(), cpu(pid), 0
    for i in range(SECONDS):
        for url in urls:
            size += len(get(url))
        time.sleep(max(0, begun + i + 1 - time.monotonic()))
    report(name, time.monotonic() - begun, cpu(pid) - before, size, note)


def run(name, command, note="", **options):
    """A program that looks by itself: what it pays from its fifth second on."""
    process = start(*command, **options)
    time.sleep(4)
    begun, before = time.monotonic(), cpu(process.pid)
    time.sleep(SECONDS)
    report(name, time.monotonic() - begun, cpu(process.pid) - before, 0, note)
    process.kill()


def once(name, command, note=""):
    """A program that prints once, run each second."""
    before, begun, size = resource.getrusage(resource.RUSAGE_CHILDREN), \
        time.monotonic(), 0
    for i in range(SECONDS):
        size += len(subprocess.run(command, capture_output=True).stdout)
        time.sleep(max(0, begun + i + 1 - time.monotonic()))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report(name, time.monotonic() - begun, after.ru_utime + after.ru_stime
           - before.ru_utime - before.ru_stime, size, note)


def queries():
    """Those of the page, as its source names them."""
    text = subprocess.run(
        ["node", "--input-type=module", "-e",
         "globalThis.document = {}; const { QUERIED } = await import('"
         + os.path.abspath(PAGE) + "'); console.log(JSON.stringify(QUERIED))"],
        check=True, capture_output=True, text=True).stdout
    return "&".join("q=" + q for q in json.loads(text)) + "&top=50"


def main(work):
    segment = work + "/many.seg"
    schema = work + "/many.json"
    with open("lib/schema/codeai.schema.json") as f:
        definition = json.load(f)
    definition["limits"] = {"series": 1048576, "label_bytes": 134217728}
    with open(schema, "w") as f:
        json.dump(definition, f)
    start(BUILD + "/tests/series", segment, schema, str(N_SERIES))
    log = open(work + "/log", "w+")
    daemon = start(BUILD + "/codeai-metricsd", "-s", segment,
                   "--web.listen-address=127.0.0.1:0", stderr=log)
    until(lambda: "port" in open(work + "/log").read())
    port = open(work + "/log").read().split("port ")[1].split()[0].strip(",")
    url = f"http://127.0.0.1:{port}"
    metrics = BUILD + "/codeai-metrics"
    until(lambda: N_SERIES <= json.loads(subprocess.run(
        [metrics, "-s", segment, "info", "-j"], capture_output=True,
        check=True).stdout)["series"])
    print(f"{'a second of':44s} {'CPU ms':>8s} {'bytes':>12s}")
    poll("the page, 23 queries", daemon.pid, [f"{url}/api/v1/live?{queries()}"])
    poll("a scrape of the same, gzip", daemon.pid, [url + "/metrics"])
    run("top", [metrics, "-s", segment, "top", "-b"])
    run("top -a, sorted by rate", [metrics, "-s", segment, "top", "-b", "-a"])
    if shutil.which("prometheus-node-exporter"):
        node = start("prometheus-node-exporter",
                     "--web.listen-address=127.0.0.1:29599")
        until(lambda: get("http://127.0.0.1:29599/metrics"))
        poll("node_exporter's /metrics", node.pid,
             ["http://127.0.0.1:29599/metrics"], "its own few series")
    if shutil.which("varnishd"):
        name = work + "/varnish"
        start("varnishd", "-F", "-n", name, "-a", "127.0.0.1:0", "-b", "none",
              "-T", "none", "-s", "malloc,16m")
        until(lambda: glob.glob(name + "/_.vsm_child/_.index"))
        time.sleep(2)
        once("varnishstat -1, each second", ["varnishstat", "-1", "-n", name])


with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
    try:
        main(directory)
    finally:
        for p in started:
            p.kill()
        for p in started:
            p.wait()
