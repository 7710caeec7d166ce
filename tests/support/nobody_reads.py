"""A daemon whose log, or whose service manager, nobody reads.

	nobody_reads.py METRICSD SEGMENT log|notify

Its stderr is a full pipe, or its NOTIFY_SOCKET is full: it is scraped all the
same, while a segment comes and goes, and SIGTERM ends it.
"""
import os
import signal
import socket
import subprocess
import sys
import time

from exporter import scrape


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def full_pipe():
    r, w = os.pipe()
    os.set_blocking(w, False)
    try:
        while True:
            os.write(w, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(w, True)
    return r, w


def full_socket(name):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind("\0" + name)
    full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    full.setblocking(False)
    try:
        while True:
            full.sendto(b"x", "\0" + name)
    except BlockingIOError:
        pass
    return s, full


def main():
    daemon, segment, case = sys.argv[1:4]
    port = free_port()
    environment = dict(os.environ)
    _, log = full_pipe() if case == "log" else (None, subprocess.DEVNULL)
    if case == "notify":
        name = "codeai-test-%d" % os.getpid()
        kept = full_socket(name)
        environment["NOTIFY_SOCKET"] = "@" + name
    other = segment + ".other"
    process = subprocess.Popen(
        [daemon, "-s", segment, "-s", other,
         "--web.listen-address=127.0.0.1:%d" % port],
        stderr=log, env=environment)
    end = time.monotonic() + 20
    while True:
        try:
            scrape(port)
            break
        except OSError:
            if time.monotonic() > end or process.poll() is not None:
                sys.exit("it does not answer")
            time.sleep(0.02)
    for i in range(20):
        if os.path.exists(other):
            os.unlink(other)
        else:
            open(other, "w").close()
        if b"segment_up" not in scrape(port, timeout=10)[1]:
            sys.exit("scrape %d is empty" % i)
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.exit("SIGTERM does not end it")
    sys.exit(code)


main()
