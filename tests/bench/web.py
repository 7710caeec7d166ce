"""Scrapes over TLS, with a password and with gzip, beside node_exporter's.

usage: web.py BUILD DIRECTORY [SCRAPES]

Both exporters show the same 10,000 series: ours from a segment, node_exporter
from a file of its textfile collector.  Both have the same web configuration.
One client scrapes them in turn, over a connection that stays open and over a
new one each time; prints milliseconds, and our share of node_exporter's time.
"""

import base64
import ctypes
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import crypt

BUILD, WORK = sys.argv[1:3]
SCRAPES = int(sys.argv[3]) if len(sys.argv) > 3 else 300
SERIES = 10000
SCHEMA = """{"version":1,"limits":{"series":20000},"metrics":[{"name":
"requests_total","type":"counter","help":"Requests","labels":["path"]}]}"""
started = []


def path(name):
    return os.path.join(WORK, name)


def write(name, text):
    with open(path(name), "w") as f:
        f.write(text)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(port, *command):
    p = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    started.append(p)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return p
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(command[0])


def fill():
    """A segment with the series, and the same as a file."""
    write("schema.json", SCHEMA)
    library = ctypes.CDLL(os.path.join(BUILD, "libcodeai-metrics.so.0"))
    registry, error = ctypes.c_void_p(), ctypes.create_string_buffer(8192)
    family = ctypes.create_string_buffer(256)
    counter = ctypes.create_string_buffer(256)
    library.cmx_open(path("bench.seg").encode(), path("schema.json").encode(),
                     0, ctypes.byref(registry), error)
    library.cmx_family_find(registry, b"requests_total", family, error)
    for i in range(SERIES):
        values = (ctypes.c_char_p * 1)(b"/item/%d" % i)
        library.cmx_counter_find(family, 1, values, counter, error)
        library.cmx_counter_add_slow(counter, i + 1)
    cli = [os.path.join(BUILD, "codeai-metrics"), "-s", path("bench.seg")]
    text = subprocess.run(cli + ["dump"], check=True, text=True,
                          capture_output=True).stdout
    os.mkdir(path("textfile"))
    write("textfile/bench.prom", "".join(
        line + "\n" for line in text.splitlines()
        if "requests_total" in line))


class Client:
    def __init__(self, port, tls, headers, keeps):
        self.port, self.headers, self.keeps = port, headers, keeps
        self.context = None
        if tls:
            self.context = ssl.create_default_context(
                cafile=path("server.crt"))
        self.connection = None
        self.size = 0

    def connect(self):
        return http.client.HTTPSConnection(
            "localhost", self.port, context=self.context) if self.context \
            else http.client.HTTPConnection("127.0.0.1", self.port)

    def scrape(self):
        begun = time.perf_counter()
        if self.connection is None or not self.keeps:
            self.connection = self.connect()
        self.connection.request("GET", "/metrics", headers=self.headers)
        r = self.connection.getresponse()
        body = r.read()
        if r.status != 200:
            raise RuntimeError(r.status)
        self.size = len(body)
        if not self.keeps:
            self.connection.close()
        return (time.perf_counter() - begun) * 1000


def resident(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def measure(name, options, tls=False, headers=None):
    ours_port, theirs_port = free_port(), free_port()
    ours = start(ours_port, os.path.join(BUILD, "codeai-metricsd"), "-s",
                 path("bench.seg"), "--log.level=error",
                 "--web.disable-exporter-metrics",
                 "--web.listen-address=127.0.0.1:%d" % ours_port, *options)
    theirs = start(theirs_port, "prometheus-node-exporter",
                   "--collector.disable-defaults", "--collector.textfile",
                   "--collector.textfile.directory=" + path("textfile"),
                   "--web.disable-exporter-metrics", "--log.level=error",
                   "--web.listen-address=127.0.0.1:%d" % theirs_port,
                   *options)
    for keeps in (True, False):
        clients = [Client(p, tls, headers or {}, keeps)
                   for p in (ours_port, theirs_port)]
        times = [[], []]
        for i in range(SCRAPES + 10):
            for j in (0, 1):
                ms = clients[j].scrape()
                if i >= 10:
                    times[j].append(ms)
        p50, p99 = [], []
        for t in times:
            t.sort()
            p50.append(t[len(t) // 2])
            p99.append(t[len(t) * 99 // 100])
        print("%-34s %7.2f %7.2f %8.2f %8.2f %6.2f %6.2f" % (
            name + (", kept" if keeps else ", new"), p50[0], p99[0], p50[1],
            p99[1], p50[0] / p50[1], p99[0] / p99[1]), flush=True)
    print("%-34s %15d %17d %6.2f" % (
        "  resident KiB, body KiB %d" % (clients[0].size // 1024),
        resident(ours.pid), resident(theirs.pid),
        resident(ours.pid) / resident(theirs.pid)), flush=True)
    for p in (ours, theirs):
        p.send_signal(signal.SIGKILL)
        p.wait()


def main():
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         path("server.key"), "-out", path("server.crt"), "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, stderr=subprocess.DEVNULL)
    fill()
    tls = "tls_server_config:\n  cert_file: server.crt\n" \
        "  key_file: server.key\n"
    write("tls.yml", tls)
    write("users.yml", tls + "basic_auth_users:\n  prometheus: %s\n" %
          crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH,
                                             rounds=1024)))
    login = {"Authorization": "Basic " + base64.b64encode(
        b"prometheus:secret").decode()}
    config = "--web.config.file="
    print("%-34s %15s %17s %13s\n%-34s %7s %7s %8s %8s %6s %6s" % (
        "a scrape of %d series, ms" % SERIES, "codeai-metricsd",
        "node_exporter", "ratio", "", "p50", "p99", "p50", "p99", "p50",
        "p99"))
    measure("plain", [])
    measure("gzip", [], headers={"Accept-Encoding": "gzip"})
    measure("TLS", [config + path("tls.yml")], tls=True)
    measure("TLS, password", [config + path("users.yml")], tls=True,
            headers=login)
    measure("TLS, password, gzip", [config + path("users.yml")], tls=True,
            headers=dict(login, **{"Accept-Encoding": "gzip"}))


try:
    main()
finally:
    for p in started:
        if p.poll() is None:
            p.kill()
