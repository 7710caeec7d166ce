"""Clients that ask for an answer and do not read it; another one is answered.

	slow_readers.py PORT PATH CLIENTS

Fails where the last client is not answered within five seconds.
"""
import socket
import sys


def ask(port, path):
    s = socket.create_connection(("127.0.0.1", port), 5)
    s.sendall(("GET %s HTTP/1.0\r\n\r\n" % path).encode())
    return s


def main():
    port, path, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    idle = [ask(port, path) for _ in range(n)]
    answer = ask(port, path).recv(15)
    for s in idle:
        s.close()
    sys.exit(b" 200" not in answer)


main()
