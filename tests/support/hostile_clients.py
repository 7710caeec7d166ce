"""Clients that wish the daemon ill, and a scrape beside them from another
address.

	hostile_clients.py PORT PID PATH SCRAPES

For each kind of client: how many connections it tried and had, the median of
some scrapes beside it and its ratio to that of scrapes alone, and the daemon's
memory.  Fails where a scrape is not answered.
"""
import socket
import statistics
import struct
import sys
import threading
import time

from exporter import kib, scrape

CONNECTIONS = 1000


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), 5)
    s.settimeout(5)
    return s


class Enemy(threading.Thread):
    """Keeps up to CONNECTIONS connections, and does its worst with each."""

    def __init__(self, port, path):
        super().__init__(daemon=True)
        self.port, self.path = port, path
        self.ends = threading.Event()
        self.tried = self.had = 0
        self.open = []

    def begin(self, s):
        raise NotImplementedError

    def go_on(self, s):
        pass

    def run(self):
        while not self.ends.is_set():
            try:
                self.tried += 1
                s = connect(self.port)
                if self.begin(s):
                    self.had += 1
                    self.open.append(s)
                else:
                    s.close()
            except OSError:
                self.ends.wait(0.001)
            for s in list(self.open):
                try:
                    self.go_on(s)
                except OSError:
                    s.close()
                    self.open.remove(s)
            if len(self.open) > CONNECTIONS:
                self.open.pop(0).close()

    def stop(self):
        self.ends.set()
        self.join()
        for s in self.open:
            s.close()


class SlowHeaders(Enemy):
    name = "a byte of a header now and then"

    def begin(self, s):
        s.sendall(b"GET / HTTP/1.1\r\nX: ")
        return True

    def go_on(self, s):
        s.setblocking(False)
        try:
            s.send(b"x")
            if s.recv(1) == b"":
                raise OSError
        except BlockingIOError:
            pass


class SlowReaders(Enemy):
    name = "an answer that nobody reads"

    def begin(self, s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.path)
        return True


class Resets(Enemy):
    name = "a reset in the middle of an answer"

    def begin(self, s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % self.path)
        s.recv(1)
        return False


class HalfCloses(Enemy):
    name = "a request, and the half of a connection closed"

    def begin(self, s):
        s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        s.shutdown(socket.SHUT_WR)
        return True


class Pipelines(Enemy):
    name = "a hundred requests at once"

    def begin(self, s):
        s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        s.recv(1)
        return False


class Garbage(Enemy):
    name = "no HTTP at all"

    def begin(self, s):
        s.sendall(bytes(range(256)) * 300)
        s.recv(1)
        return False


class Idle(Enemy):
    name = "a connection without a word"

    def begin(self, s):
        return True


def timed(port, path):
    begun = time.monotonic()
    status, _ = scrape(port, path.decode(), address="127.0.0.2", timeout=10)
    if status != 200:
        sys.exit("a scrape is answered %d" % status)
    return time.monotonic() - begun


def median(port, path, n):
    return statistics.median(timed(port, path) for _ in range(n))


def main():
    port, pid, path, n = (int(sys.argv[1]), int(sys.argv[2]),
                          sys.argv[3].encode(), int(sys.argv[4]))
    alone = median(port, path, n)
    print("%-48s %7s %7s %9s %6s %10s" % ("clients, from one address", "tried",
                                          "had", "scrape ms", "ratio",
                                          "RSS KiB"))
    print("%-48s %7s %7s %9.2f %6s %10d" % ("none", "", "", alone * 1000, "",
                                            kib(pid, "VmRSS")))
    for kind in (SlowHeaders, SlowReaders, Resets, HalfCloses, Pipelines,
                 Garbage, Idle):
        enemy = kind(port, path)
        enemy.start()
        end = time.monotonic() + 10
        while enemy.tried < 40 and time.monotonic() < end:
            time.sleep(0.01)
        beside = median(port, path, n)
        print("%-48s %7d %7d %9.2f %6.2f %10d" %
              (kind.name, enemy.tried, enemy.had, beside * 1000,
               beside / alone, kib(pid, "VmRSS")))
        enemy.stop()


main()
