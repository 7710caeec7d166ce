"""Clients of the prefork server: count what they were answered.

	clients.py PORT SECONDS LOG

Four keep-alive clients send requests until the time is over, reconnecting
when a worker dies under them.  Prints a JSON object {route status: answers}.
Then the driver may kill workers: each line of standard input is ignored.
"""
import collections
import http.client
import json
import sys
import threading
import time

PATHS = [("GET", "/users/%d"), ("GET", "/"), ("POST", "/orders"),
         ("GET", "/users/%d"), ("GET", "/error"), ("GET", "/nothing")]


def template(path):
    if path.startswith("/users/"):
        return "/users/{id}"
    return path if path in ("/", "/orders", "/error") else "{unknown}"


def client(number, port, end, answered):
    connection = None
    i = number
    while time.monotonic() < end:
        method, path = PATHS[i % len(PATHS)]
        if "%d" in path:
            path = path % (i % 1100)
        i += 1
        try:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port,
                                                        timeout=10)
            connection.request(method, path)
            response = connection.getresponse()
            response.read()
            answered[(method, template(path), response.status)] += 1
        except (OSError, http.client.HTTPException):
            # The worker died: this request has no answer.
            if connection is not None:
                connection.close()
            connection = None


def main():
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    end = time.monotonic() + seconds
    counters = [collections.Counter() for _ in range(4)]
    threads = [threading.Thread(target=client, args=(i, port, end, c))
               for i, c in enumerate(counters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(counters, collections.Counter())
    print(json.dumps({" ".join(map(str, key)): n
                      for key, n in sorted(total.items())}))


main()
