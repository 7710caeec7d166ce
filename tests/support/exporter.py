"""What the scripts that scrape an exporter share."""
import http.client


def scrape(port, path="/metrics", accept="text/plain", address=None,
           timeout=20):
    """The status and the body of one scrape, perhaps from an address."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=timeout,
        source_address=(address, 0) if address else None)
    connection.request("GET", path, headers={"Accept": accept})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def kib(pid, key):
    """A figure of a process's memory, such as VmRSS."""
    with open("/proc/%d/status" % pid) as status:
        return next(int(line.split()[1]) for line in status
                    if line.startswith(key))
