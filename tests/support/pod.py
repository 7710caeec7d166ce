"""Run the pods of a Kubernetes manifest by hand, and look at what they do.

usage: pod.py MANIFEST BUILD DIRECTORY

Each container has namespaces of its own (pid, mount, IPC, UTS), a root that
holds the programs and their libraries, the user, groups, environment and volume
of the manifest, and what its securityContext gives up.  The pod's containers
share a network namespace, which this program must have.  A seccomp profile is
the runtime's, and not made here.  Prints "ok SENTENCE" or "not ok SENTENCE".
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml

MANIFEST, BUILD, WORK = sys.argv[1:]
STATUS = 0
SYSTEM = ["bin", "sbin", "lib", "lib64", "usr", "etc"]
# What the images of the manifest hold.
COMMANDS = {"shop:latest": ["prefork", "-n", "2", "-p", "29200", "-d",
                            ":memory:", "-s", "/metrics/metrics.seg"]}


def say(ok, sentence, detail=""):
    global STATUS
    STATUS |= not ok
    print(("ok %s" if ok else "not ok %s\n%s") %
          ((sentence,) if ok else (sentence, detail)), flush=True)


def until(condition):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            value = condition()
        except (OSError, subprocess.CalledProcessError):
            value = None
        if value:
            return value
        time.sleep(0.02)
    return None


def run(*arguments):
    subprocess.run(arguments, check=True)


class Volume:
    """An emptyDir in memory, as fsGroup leaves it."""

    def __init__(self, spec, group):
        size = spec["emptyDir"]["sizeLimit"].replace("Mi", "m")
        self.path = os.path.join(WORK, "volume-" + spec["name"])
        os.mkdir(self.path)
        run("mount", "-t", "tmpfs", "-o",
            "size=%s,mode=2777,gid=%d" % (size, group), "tmpfs", self.path)


class Container:
    def __init__(self, spec, pod, volumes, command=None, user=None,
                 groups=None):
        context = spec.get("securityContext", {})
        self.name = spec["name"]
        self.root = os.path.join(WORK, "root-" + self.name)
        self.read_only = context.get("readOnlyRootFilesystem", False)
        self.mounts = [(volumes[m["name"]].path, m["mountPath"],
                        m.get("readOnly", False))
                       for m in spec["volumeMounts"]]
        self.environment = {e["name"]: e["value"]
                            for e in spec.get("env", [])}
        self.environment["PATH"] = "/programs:/usr/bin:/bin"
        self.user = user or context["runAsUser"]
        self.groups = groups or [pod["securityContext"]["fsGroup"]]
        self.group = self.groups[0] if groups else \
            pod["securityContext"]["runAsGroup"]
        self.drops = context["capabilities"]["drop"] == ["ALL"]
        self.keeps_privileges = context["allowPrivilegeEscalation"]
        self.command = command or spec.get("command") or \
            COMMANDS[spec["image"]]
        self.command = self.command + spec.get("args", [])
        self.make_root()

    def make_root(self):
        if os.path.exists(self.root):
            return
        os.makedirs(self.root)
        for name in SYSTEM + ["proc", "programs", "tmp"] + \
                [m[1].strip("/") for m in self.mounts]:
            os.makedirs(os.path.join(self.root, name), exist_ok=True)
        for name in ("codeai-metricsd", "codeai-metrics", "tests/prefork"):
            shutil.copy(os.path.join(BUILD, name),
                        os.path.join(self.root, "programs"))

    def script(self):
        lines = ["set -e", "mount --make-rprivate /",
                 "mount --bind '%s' '%s'" % (self.root, self.root),
                 "cd '%s'" % self.root]
        for name in SYSTEM:
            if os.path.exists("/" + name):
                lines += ["mount --bind /%s %s" % (name, name),
                          "mount -o remount,bind,ro %s" % name]
        lines.append("mount -t proc proc proc")
        for source, place, read_only in self.mounts:
            lines.append("mount --bind '%s' .%s" % (source, place))
            if read_only:
                lines.append("mount -o remount,bind,ro .%s" % place)
        if self.read_only:
            lines.append("mount -o remount,bind,ro .")
        privileges = ["/usr/bin/setpriv", "--reuid=%d" % self.user, "--regid=%d" % self.group,
                      "--groups=" + ",".join(map(str, self.groups))]
        if self.drops:
            privileges += ["--bounding-set=-all", "--inh-caps=-all"]
        if not self.keeps_privileges:
            privileges.append("--no-new-privs")
        words = ["/usr/sbin/chroot", "."] + privileges + self.command
        lines.append("exec " + " ".join("'%s'" % w for w in words))
        return "\n".join(lines)

    def start(self):
        self.log = os.path.join(WORK, self.name + ".log")
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                ["unshare", "--fork", "--kill-child", "--pid", "--mount",
                 "--ipc", "--uts", "sh", "-c", self.script()],
                stdout=log, stderr=subprocess.STDOUT, env=self.environment)
        return self

    def first(self):
        """The first process of the container, as we see it."""
        p = self.process.pid
        with open("/proc/%d/task/%d/children" % (p, p)) as f:
            return int(f.read().split()[0])

    def kill(self):
        os.kill(self.first(), signal.SIGKILL)
        self.process.wait()

    def said(self):
        with open(self.log) as f:
            return f.read()

    def workers(self):
        p = self.first()
        with open("/proc/%d/task/%d/children" % (p, p)) as f:
            return [int(w) for w in f.read().split()]


def get(port, path="/metrics"):
    with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path),
                                timeout=10) as r:
        return r.read().decode()


def ask(path):
    """A request to the application, whatever it answers."""
    try:
        get(29200, path)
    except urllib.error.HTTPError:
        pass
    return True


def value(name, port=29100):
    """The sum of the samples whose line matches."""
    return sum(float(line.rsplit(" ", 1)[1])
               for line in get(port).splitlines() if re.match(name, line))


def main():
    with open(MANIFEST) as f:
        pod = yaml.safe_load(f)["spec"]
    group = pod["securityContext"]["fsGroup"]
    volumes = {v["name"]: Volume(v, group) for v in pod["volumes"]}
    sidecar = Container(pod["initContainers"][0], pod, volumes).start()
    health = int(sidecar.environment["CODEAI_METRICSD_WEB_HEALTH_ADDRESS"]
                 .split(":")[-1])
    probes = pod["initContainers"][0]
    ports = {p["name"]: p["containerPort"] for p in probes["ports"]}
    say(until(lambda: "ready" in get(
        ports[probes["readinessProbe"]["httpGet"]["port"]],
        probes["readinessProbe"]["httpGet"]["path"])),
        "the readiness probe of the manifest succeeds", sidecar.said())
    say("healthy" in get(
        ports[probes["livenessProbe"]["httpGet"]["port"]],
        probes["livenessProbe"]["httpGet"]["path"]) and health ==
        ports["health"], "the liveness probe of the manifest succeeds")
    say(value("codeai_metricsd_segment_up") == 0,
        "a sidecar runs before its application")

    shop = Container(pod["containers"][0], pod, volumes).start()
    requests = "codeai_http_requests_total"
    until(lambda: ask("/users/1"))
    say(until(lambda: value("codeai_metricsd_segment_up") == 1 and
              value(requests) >= 1),
        "a sidecar of another user shows its application",
        sidecar.said() + shop.said())
    st = os.stat(os.path.join(volumes["metrics"].path, "metrics.seg"))
    say((st.st_uid, st.st_gid, st.st_mode & 0o777) ==
        (shop.user, group, 0o640),
        "the segment has the user, the group and the mode of the manifest",
        str(st))
    say(os.readlink("/proc/%d/ns/pid" % shop.first()) !=
        os.readlink("/proc/%d/ns/pid" % sidecar.first()),
        "the containers have pid namespaces of their own")
    status = open("/proc/%d/status" % sidecar.first()).read()
    say(re.search("CapBnd:\t0+\n", status) and "NoNewPrivs:\t1" in status,
        "the sidecar has no capability and no new privileges", status)
    # A sanitizer's build has none.
    say("SANITIZED" in os.environ or
        "Landlock: yes, seccomp: yes" in sidecar.said(),
        "the sidecar's own sandbox is whole", sidecar.said())

    live = "codeai_metricsd_segment_processes[{]"
    before = until(lambda: value(live) == 2 and value(live))
    total = value(requests)
    victim = shop.workers()[0]
    os.kill(victim, signal.SIGKILL)
    say(until(lambda: victim not in shop.workers() and
              len(shop.workers()) == 2 and value(live) == before),
        "a worker that is killed is noticed across namespaces",
        "%g %g" % (before, value(live)))
    shop.kill()
    say(until(lambda: value(live) == 0) and value(requests) >= total,
        "the totals of a container that was killed stay, its gauges go")
    shop = Container(pod["containers"][0], pod, volumes).start()
    until(lambda: ask("/users/2"))
    say(until(lambda: value(requests) > total and value(live) == 2),
        "the totals of a container that starts again go on",
        "%g of %g, %g processes: %s" % (value(requests), total, value(live),
                                        shop.said()))

    stranger = Container(
        pod["containers"][0], pod, volumes, user=1999, groups=[1999],
        command=["codeai-metrics", "dump"])
    stranger.name = "stranger"
    stranger.start().process.wait()
    say("permission denied" in stranger.said(),
        "a container without the group reads nothing", stranger.said())
    clerk = Container(pod["initContainers"][0], pod, volumes,
                      command=["codeai-metrics", "-s", "/metrics/metrics.seg",
                               "add", "codeai_events_emitted_total",
                               "event=x"])
    clerk.name = "clerk"
    clerk.start().process.wait()
    say(clerk.process.returncode != 0,
        "a container with a read-only volume writes nothing", clerk.said())

    # The volume is full.
    path = os.path.join(volumes["metrics"].path, "full")
    with open(path, "wb") as f:
        try:
            while True:
                f.write(bytes(1 << 20))
        except OSError:
            pass
    total = value(requests)
    for i in range(20):
        until(lambda: ask("/users/%d" % i))
    say(until(lambda: value(requests) >= total + 20) and
        shop.process.poll() is None,
        "a full volume ends nothing, and loses no request", shop.said())
    os.unlink(path)
    sidecar.process.terminate()
    os.kill(sidecar.first(), signal.SIGTERM)
    say(sidecar.process.wait() is not None, "the sidecar ends when it is told")
    shop.kill()


# All that was started ends with this process.
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
main()
sys.exit(STATUS)
