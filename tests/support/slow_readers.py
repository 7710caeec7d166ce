"""Clients that ask for an answer and do not read it.

	slow_readers.py PORT PATH CLIENTS
		fails where one more client is not answered within five seconds
	slow_readers.py PORT PATH CLIENTS each
		each client has an address of its own; prints how many are
		answered 200 and 503
"""
import collections
import socket
import sys


def ask(port, path, address):
    s = socket.socket()
    s.settimeout(5)
    # The answer stays with the server.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.bind((address, 0))
    s.connect(("127.0.0.1", port))
    s.sendall(("GET %s HTTP/1.0\r\n\r\n" % path).encode())
    return s


def main():
    port, path, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if len(sys.argv) == 5:
        clients, codes = [], collections.Counter()
        for i in range(n):
            clients.append(ask(port, path, "127.0.1.%d" % (i + 1)))
            codes[clients[-1].recv(12)[-3:].decode()] += 1
        print(" ".join("%s: %d" % code for code in sorted(codes.items())))
        return
    idle = [ask(port, path, "127.0.0.1") for _ in range(n)]
    answer = ask(port, path, "127.0.0.1").recv(15)
    for s in idle:
        s.close()
    sys.exit(b" 200" not in answer)


main()
