"""Send requests to a server, over and over, and say what was answered.

	load.py PORT N [PATH]

One new connection for each request, N answers in all.  Prints "answered N
sent M": M - N requests were sent and not answered, because a worker died.
"""
import socket
import sys


def load(connect, request, is_answer, wanted):
    """Ask until there are so many answers; connect() makes a socket."""
    answered = sent = 0
    while answered < wanted and sent < 20 * wanted:
        try:
            with connect() as s:
                s.settimeout(30)
                s.sendall(request)
                sent += 1
                answer = b""
                while True:
                    some = s.recv(65536)
                    if not some:
                        break
                    answer += some
                answered += is_answer(answer)
        except OSError:
            pass
    print("answered", answered, "sent", sent)


def main():
    port, wanted = int(sys.argv[1]), int(sys.argv[2])
    path = sys.argv[3] if len(sys.argv) > 3 else "/users/7"
    load(lambda: socket.create_connection(("127.0.0.1", port), 30),
         ("GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" % path).encode(),
         lambda answer: answer.startswith(b"HTTP/1.") and
         b" 200 " in answer[:16], wanted)


if __name__ == "__main__":
    main()
