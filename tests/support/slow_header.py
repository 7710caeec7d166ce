"""A client that sends a byte of its request now and then: how long it may.

	slow_header.py PORT

Waits until the server has disconnected it, thirty seconds at most.
"""
import socket
import sys
import time


def main():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
    s.sendall(b"GET / HTTP/1.1\r\nX: ")
    s.settimeout(0.5)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            s.sendall(b"x")
            if s.recv(1) == b"":
                return
        except socket.timeout:
            pass
        except OSError:
            return
    sys.exit("still connected")


main()
