"""Send requests to a FastCGI server.

	fcgi.py SOCKET SCRIPT N

Prints "answered N sent M" as load.py does.
"""
import socket
import struct
import sys

from load import load


def record(kind, content):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def request_bytes(script):
    pairs = b""
    for name, value in (("SCRIPT_FILENAME", script), ("SCRIPT_NAME", "/"),
                        ("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/"),
                        ("SERVER_PROTOCOL", "HTTP/1.1")):
        name, value = name.encode(), value.encode()
        pairs += bytes([len(name), len(value)]) + name + value
    return record(1, struct.pack(">HB5x", 1, 0)) + record(4, pairs) + \
        record(4, b"") + record(5, b"")


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s


def main():
    path, script, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
    load(lambda: connect(path), request_bytes(script),
         lambda answer: b"counted" in answer, wanted)


if __name__ == "__main__":
    main()
