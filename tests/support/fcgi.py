"""Send requests to a FastCGI server.

	fcgi.py SOCKET SCRIPT N

Prints "answered N sent M" as load.py does.
"""
import socket
import struct
import sys


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


def main():
    path, script, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
    request = request_bytes(script)
    answered = sent = 0
    while answered < wanted and sent < 20 * wanted:
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(30)
                s.connect(path)
                s.sendall(request)
                sent += 1
                answer = b""
                while True:
                    some = s.recv(65536)
                    if not some:
                        break
                    answer += some
                answered += b"counted" in answer
        except OSError:
            pass
    print("answered", answered, "sent", sent)


if __name__ == "__main__":
    main()
