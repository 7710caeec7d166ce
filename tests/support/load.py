"""Send requests to a server, over and over, and say what was answered.

	load.py PORT N [PATH]

One new connection for each request, N answers in all.  Prints "answered N
sent M": M - N requests were sent and not answered, because a worker died.
"""
import socket
import sys


def main():
    port, wanted = int(sys.argv[1]), int(sys.argv[2])
    path = sys.argv[3] if len(sys.argv) > 3 else "/users/7"
    request = ("GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" % path).encode()
    answered = sent = 0
    while answered < wanted and sent < 20 * wanted:
        try:
            with socket.create_connection(("127.0.0.1", port), 30) as s:
                s.sendall(request)
                sent += 1
                answer = b""
                while True:
                    some = s.recv(65536)
                    if not some:
                        break
                    answer += some
                answered += answer.startswith(b"HTTP/1.") and \
                    b" 200 " in answer[:16]
        except OSError:
            pass
    print("answered", answered, "sent", sent)


if __name__ == "__main__":
    main()
