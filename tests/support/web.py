"""The web configuration of the daemon: each key, each mode, each mistake.

usage: web.py METRICSD DIRECTORY

The keys are those of the exporter toolkit.  Certificates are made by openssl,
hashes by crypt(3), clients are Python's ssl and http.client.  Prints a line
"ok SENTENCE" or "not ok SENTENCE" for each test.
"""

import base64
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import crypt

warnings.simplefilter("ignore")
METRICSD, WORK = sys.argv[1:]
STATUS = 0


def say(ok, sentence, detail=""):
    global STATUS
    if ok:
        print("ok " + sentence, flush=True)
        return
    STATUS = 1
    print("not ok %s\n%s" % (sentence, detail), flush=True)


def it(sentence):
    """A test: a function that returns what was wrong, or nothing."""
    def run(function):
        try:
            detail = function()
        except Exception as e:  # a test that ends so has failed
            detail = "%s: %s" % (type(e).__name__, e)
        say(not detail, sentence, detail)
    return run


def path(name):
    return os.path.join(WORK, name)


def write(name, text):
    """Replace a file at once, as an operator's tools do."""
    with open(path(name + ".new"), "w") as f:
        f.write(text)
    os.rename(path(name + ".new"), path(name))


def read(name):
    with open(path(name)) as f:
        return f.read()


def openssl(*arguments):
    subprocess.run(("openssl",) + arguments, cwd=WORK, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificates():
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    san = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    for name, key in (("server", ec), ("other", ec),
                      ("rsa", ["-newkey", "rsa:2048"])):
        openssl("req", "-x509", *key, "-nodes", "-keyout", name + ".key",
                "-out", name + ".crt", "-days", "3", "-subj", "/CN=localhost",
                *san)
    openssl("genpkey", "-algorithm", "ed25519", "-out", "ed.key")
    openssl("req", "-x509", "-key", "ed.key", "-out", "ed.crt", "-days", "3",
            "-subj", "/CN=localhost", *san)
    openssl("ec", "-in", "server.key", "-aes256", "-passout", "pass:x",
            "-out", "locked.key")
    for ca in ("ca", "other-ca"):
        openssl("req", "-x509", *ec, "-nodes", "-keyout", ca + ".key", "-out",
                ca + ".crt", "-days", "3", "-subj", "/CN=" + ca)
    extension = "subjectAltName=%s\nextendedKeyUsage=%s\n"
    clients = (("client", "ca", "DNS:prom.example,email:a@b.example,"
                "IP:10.1.2.3,URI:spiffe://x/y", "clientAuth", "2"),
               ("stranger", "other-ca", "DNS:prom.example", "clientAuth", "2"),
               ("usage", "ca", "DNS:prom.example", "serverAuth", "2"),
               ("expired", "ca", "DNS:prom.example", "clientAuth", "-1"))
    for name, ca, names, usage, days in clients:
        write(name + ".ext", extension % (names, usage))
        openssl("req", *ec, "-nodes", "-keyout", name + ".key", "-out",
                name + ".csr", "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".crt",
                "-CAkey", ca + ".key", "-CAcreateserial", "-out",
                name + ".crt", "-days", days, "-extfile", name + ".ext")
    write("both.pem", read("server.crt") + read("server.key"))


def bcrypt(password, cost=4, name="2b"):
    salt = crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=1 << cost)
    h = crypt.crypt(password, salt)
    return "$" + name + h[3:]


class Daemon:
    """A daemon with a configuration; ended at the end of a with."""

    def __init__(self, config, *options, name="web.yml", environment=None):
        write(name, config)
        self.log = path("log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [METRICSD, "-s", path("no.seg"),
                 "--web.listen-address=127.0.0.1:0",
                 "--web.config.file=" + path(name), *options],
                stderr=log, env=dict(os.environ, **(environment or {})))
        until(lambda: "sandbox:" in self.said() or
              self.process.poll() is not None or "listening" in self.said())
        found = re.search(r"port (\d+)", self.said())
        if found is None:
            raise RuntimeError(self.said())
        self.port = int(found.group(1))

    def said(self):
        with open(self.log) as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def get(self, url="/-/healthy", headers=None, tls=False, connection=None):
        """Status, headers and body of a request."""
        c = connection or connect(self.port, tls)
        c.request("GET", url, headers=headers or {})
        r = c.getresponse()
        body = r.read()
        if connection is None:
            c.close()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, body

    def status(self, **arguments):
        return self.get(**arguments)[0]


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("20 seconds")
        time.sleep(0.01)


def client(cert=None, least=None, most=None, ciphers=None, curve=None):
    """The settings of a client of TLS, which trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers:
        context.set_ciphers(ciphers)
    if least or most:
        context.minimum_version = least or ssl.TLSVersion.TLSv1
        context.maximum_version = most or ssl.TLSVersion.TLSv1_3
    if curve:
        context.set_ecdh_curve(curve)
    if cert:
        context.load_cert_chain(path(cert + ".crt"), path(cert + ".key"))
    return context


def connect(port, tls):
    if not tls:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    context = tls if isinstance(tls, ssl.SSLContext) else client()
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=20,
                                       context=context)


def refused(daemon, context):
    """The alert with which a client is refused; "" where it is not."""
    try:
        daemon.get(tls=context)
    except ssl.SSLError as e:
        return str(e).lower()
    except OSError as e:
        return "no alert: %s" % e
    return ""


def login(user, password):
    text = user.encode() + b":" + password if isinstance(password, bytes) \
        else ("%s:%s" % (user, password)).encode()
    return {"Authorization": "Basic " + base64.b64encode(text).decode()}


def tls(*lines, cert="cert_file: server.crt", key="key_file: server.key"):
    return "tls_server_config:\n" + "".join(
        "  %s\n" % line for line in (cert, key) + lines if line)


def inline(key, name):
    return "%s: |\n%s" % (key, "".join(
        "    %s\n" % line for line in read(name).splitlines()))


def check(config):
    """The status and the output of --config.check."""
    write("check.yml", config)
    r = subprocess.run([METRICSD, "-n", "-s", path("no.seg"),
                        "--web.config.file=" + path("check.yml")],
                       stderr=subprocess.PIPE, text=True, timeout=30)
    return r.returncode, r.stderr


def accepts(sentence, config):
    @it(sentence)
    def _():
        status, text = check(config)
        return "" if status == 0 else text


def refuses(sentence, config, *words):
    @it(sentence)
    def _():
        status, text = check(config)
        missing = [w for w in words if w not in text]
        return "" if status == 1 and not missing else \
            "%d, without %s: %s" % (status, missing, text)


def test_files():
    """What a file may be: strict YAML 1.1."""
    for what, text in (("an empty file", ""), ("{}", "{}"),
                       ("a comment", "# nothing\n"),
                       ("sections without a value",
                        "tls_server_config:\nbasic_auth_users:\n"
                        "http_server_config:\nrate_limit:\n"),
                       ("a byte order mark and CRLF",
                        "\ufeffhttp_server_config:\r\n  http2: off\r\n"),
                       ("JSON", '{"http_server_config": {"http2": false}}'),
                       ("an anchor", "http_server_config: &a\n  http2: true\n"),
                       ("a second document", "{}\n---\nwhat: ever\n")):
        accepts("%s is plain HTTP" % what, text)
    refuses("an unknown section is refused with its place",
            "http_server_config:\n  http2: true\nhtp: 1\n",
            "check.yml:3:1: there is no key htp; allowed are",
            "basic_auth_users")
    refuses("an unknown key is refused with its place",
            "tls_server_config:\n  cert_fil: x\n",
            "check.yml:2:3: tls_server_config: there is no key cert_fil")
    refuses("a key in other letters is refused",
            "http_server_config:\n  HTTP2: true\n", "no key HTTP2")
    refuses("a key that stands twice is refused",
            "rate_limit: {}\nrate_limit: {}\n",
            "check.yml:2:1: the key rate_limit is there already, in line 1")
    refuses("a tab as indentation is refused",
            "rate_limit:\n\tburst: 1\n", "check.yml:2:1: is no YAML")
    refuses("a list in place of a map is refused", "- a\n", "must be a map")
    refuses("a map in place of a text is refused",
            "tls_server_config:\n  cert_file: {}\n", "must be a text")
    refuses("a text in place of a list is refused",
            tls("cipher_suites: x"), "must be a list")
    refuses("0 is no boolean", "http_server_config:\n  http2: 0\n",
            "check.yml:2:10: http_server_config.http2: must be true or false")
    refuses("a quoted boolean is none",
            "http_server_config:\n  http2: \"false\"\n", "true or false")
    refuses("all mistakes are told at once",
            "a: 1\nrate_limit:\n  burst: x\n", "no key a",
            "rate_limit.burst: must be a whole number")
    refuses("text that is no YAML is refused", "{\n", "is no YAML")

    @it("a file that is not there is refused at the start")
    def _():
        r = subprocess.run([METRICSD, "-s", path("no.seg"),
                            "--web.config.file=" + path("none.yml")],
                           stderr=subprocess.PIPE, text=True, timeout=30)
        return "" if r.returncode == 1 and \
            "none.yml: No such file" in r.stderr else r.stderr

    @it("a FIFO is no configuration, and nothing waits for it")
    def _():
        os.mkfifo(path("fifo"))
        r = subprocess.run([METRICSD, "-n", "-s", path("no.seg"),
                            "--web.config.file=" + path("fifo")],
                           stderr=subprocess.PIPE, text=True, timeout=30)
        os.unlink(path("fifo"))
        return "" if r.returncode == 1 and \
            "fifo: is not a regular file" in r.stderr else r.stderr

    @it("a pipe is no configuration: the second time it would be empty")
    def _():
        r = subprocess.run([METRICSD, "-n", "-s", path("no.seg"),
                            "--web.config.file=/dev/stdin"], input="{}",
                           stderr=subprocess.PIPE, text=True, timeout=30)
        return "" if r.returncode == 1 and \
            "is not a regular file" in r.stderr else r.stderr
    refuses("brackets that are nested without an end are refused at once",
            "a: " + "[" * 300000, "more than 100 brackets in each other")
    refuses("a tag is refused, also of the whole",
            "rate_limit:\n  burst: !!int \"1\"\n", "has a tag; none is allowed")
    refuses("a tag that stands for nothing is refused", "!!!!\n", "tag")


def test_certificates():
    """cert_file, key_file, cert, key."""
    for what, config in (
            ("cert_file and key_file", tls()),
            ("an RSA key", tls(cert="cert_file: rsa.crt",
                               key="key_file: rsa.key")),
            ("an Ed25519 key", tls(cert="cert_file: ed.crt",
                                   key="key_file: ed.key")),
            ("cert and key inline", tls(cert=inline("cert", "server.crt"),
                                        key=inline("key", "server.key"))),
            ("a file for one and a text for the other",
             tls(cert="cert_file: server.crt", key=inline("key",
                                                          "server.key"))),
            ("the file, where a text is given too",
             tls("cert: nonsense", "key: nonsense")),
            ("one file with both", tls(cert="cert_file: both.pem",
                                       key="key_file: both.pem")),
            ("absolute paths", tls(cert="cert_file: " + path("server.crt"),
                                   key="key_file: " + path("server.key")))):
        @it("TLS with " + what)
        def _():
            with Daemon(config) as d:
                return "" if d.status(tls=True) == 200 else d.said()
    refuses("a certificate without a key is refused", tls(key=""),
            "tls_server_config: has no key: give key or key_file")
    refuses("a key without a certificate is refused", tls(cert=""),
            "has no certificate: give cert or cert_file")
    refuses("a certificate file that is not there is named",
            tls(cert="cert_file: none.crt"), "tls_server_config.cert_file: ",
            "none.crt: No such file")
    refuses("a key file that is not there is named",
            tls(key="key_file: none.key"), "tls_server_config.key_file: ",
            "none.key: No such file")
    refuses("a key of another certificate is refused",
            tls(key="key_file: other.key"), "certificate server.crt and key "
            "other.key")
    refuses("what is no PEM is refused", tls(cert="cert_file: check.yml"),
            "certificate check.yml")
    refuses("a key that is locked by a password is refused",
            tls(key="key_file: locked.key"), "key locked.key")
    accepts("versions alone leave TLS off",
            "tls_server_config:\n  min_version: TLS13\n")


def test_versions():
    """min_version, max_version."""
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    v10, v11 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old = "DEFAULT@SECLEVEL=0"

    @it("TLS 1.2 and 1.3 by default, older versions get an alert")
    def _():
        with Daemon(tls()) as d:
            bad = [v for v in (v12, v13) if
                   d.status(tls=client(least=v, most=v)) != 200]
            alert = refused(d, client(least=v10, most=v11, ciphers=old))
            return "" if not bad and "protocol version" in alert else \
                "%s %s" % (bad, alert)

    @it("min_version: TLS13 refuses TLS 1.2")
    def _():
        with Daemon(tls("min_version: TLS13")) as d:
            alert = refused(d, client(most=v12))
            return "" if d.status(tls=True) == 200 and \
                "protocol version" in alert else alert

    @it("max_version: TLS12 is what a newer client gets")
    def _():
        with Daemon(tls("max_version: TLS12")) as d:
            with socket.create_connection(("127.0.0.1", d.port)) as s:
                with client().wrap_socket(s) as t:
                    return "" if t.version() == "TLSv1.2" else t.version()

    @it("min_version: TLS10 lets old clients in")
    def _():
        with Daemon(tls("min_version: TLS10")) as d:
            return "" if d.status(tls=client(least=v10, most=v10,
                                             ciphers=old)) == 200 else "no"
    refuses("an unknown version is refused", tls("min_version: TLS14"),
            'tls_server_config.min_version: unknown TLS version "TLS14"; '
            "allowed are TLS10")
    refuses("a least version above the last is refused",
            tls("min_version: TLS13", "max_version: TLS12"), "is above "
            "max_version")


def test_suites():
    """cipher_suites, prefer_server_cipher_suites, curve_preferences."""
    v12 = ssl.TLSVersion.TLSv1_2

    @it("cipher_suites limits TLS 1.2 to the list, and another gets an alert")
    def _():
        suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        with Daemon(tls("cipher_suites: [%s]" % suite)) as d:
            if d.status(tls=client(most=v12)) != 200:
                return "the suite itself"
            alert = refused(d, client(
                most=v12, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"))
            three = d.status(tls=client(least=ssl.TLSVersion.TLSv1_3))
            return "" if "handshake failure" in alert and three == 200 else \
                "%s %s" % (alert, three)

    for suite, ciphers in (
            ("AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
            ("CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
            ("AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"),
            ("AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA")):
        @it("the suite " + suite)
        def _():
            with Daemon(tls("cipher_suites: [TLS_ECDHE_ECDSA_WITH_%s]" % suite,
                            "prefer_server_cipher_suites: false")) as d:
                context = client(most=v12, ciphers=ciphers + "@SECLEVEL=0")
                return "" if d.status(tls=context) == 200 else "no"
    for cert, other, own, openssl_name in (
            ("rsa", "ECDSA_WITH_CHACHA20_POLY1305_SHA256",
             "RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
            ("server", "RSA_WITH_AES_256_GCM_SHA384",
             "ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256")):
        @it("of a list of suites those count that go with the certificate: " +
            cert)
        def _():
            with Daemon(tls(
                    "cipher_suites: [TLS_ECDHE_%s, TLS_ECDHE_%s]" %
                    (other, own), cert="cert_file: %s.crt" % cert,
                    key="key_file: %s.key" % cert)) as d:
                with socket.create_connection(("127.0.0.1", d.port)) as s:
                    with client(most=v12).wrap_socket(s) as t:
                        got = t.cipher()[0]
                return "" if got == openssl_name and \
                    d.status(tls=client(most=v12)) == 200 else got
    refuses("a suite without forward secrecy is refused",
            tls("cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]"),
            'unknown cipher "TLS_RSA_WITH_AES_128_GCM_SHA256"; allowed are')
    refuses("a suite by OpenSSL's name is refused",
            tls("cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]"), "unknown")

    @it("curve_preferences limits the curves")
    def _():
        with Daemon(tls("curve_preferences: [CurveP384, CurveP521]")) as d:
            alert = refused(d, client(curve="prime256v1"))
            return "" if d.status(tls=client(curve="secp384r1")) == 200 and \
                "handshake failure" in alert else alert

    @it("by default no group that costs a server more than its clients")
    def _():
        with Daemon(tls()) as d:
            bad = []
            for group in ("ffdhe2048", "ffdhe8192", "X448", "X25519"):
                r = subprocess.run(
                    ["openssl", "s_client", "-connect",
                     "127.0.0.1:%d" % d.port, "-tls1_3", "-groups", group],
                    input="", capture_output=True, text=True, timeout=20)
                if (r.returncode == 0) != (group == "X25519"):
                    bad.append(group)
            return str(bad) if bad else ""

    @it("the curves X25519 and CurveP256")
    def _():
        with Daemon(tls("curve_preferences: [X25519, CurveP256]")) as d:
            return "" if d.status(tls=client(curve="X25519")) == 200 and \
                d.status(tls=client(curve="prime256v1")) == 200 else "no"
    refuses("an unknown curve is refused", tls("curve_preferences: [x25519]"),
            'unknown curve "x25519"; allowed are CurveP256')


def test_client_certificates():
    """client_auth_type, client_ca_file, client_ca, client_allowed_sans."""
    ca = "client_ca_file: ca.crt"
    # Whom each mode lets in: nobody's certificate, ours, a stranger's.
    modes = (("NoClientCert", None, "yyy"), ("RequestClientCert", ca, "yyy"),
             ("RequireAnyClientCert", ca, "nyy"),
             ("RequireClientCert", ca, "nyy"),
             ("VerifyClientCertIfGiven", ca, "yyn"),
             ("RequireAndVerifyClientCert", ca, "nyn"))
    for mode, authority, wanted in modes:
        @it("client_auth_type: " + mode)
        def _():
            with Daemon(tls("client_auth_type: " + mode, authority)) as d:
                got = "".join("y" if refused(d, client(c)) == "" else "n"
                              for c in (None, "client", "stranger"))
                return "" if got == wanted else "%s, not %s" % (got, wanted)

    strict = "client_auth_type: RequireAndVerifyClientCert"

    @it("each refusal of a client's certificate has its alert")
    def _():
        with Daemon(tls(strict, ca)) as d:
            wanted = {None: "certificate required", "stranger": "unknown ca",
                      "expired": "certificate expired",
                      "usage": "bad certificate"}
            got = {c: refused(d, client(c)) for c in wanted}
            bad = {c: got[c] for c in got if wanted[c] not in got[c]}
            return str(bad) if bad else ""

    @it("in TLS 1.2 too")
    def _():
        v12 = ssl.TLSVersion.TLSv1_2
        with Daemon(tls(strict, ca)) as d:
            wanted = {None: "handshake failure", "stranger": "unknown ca"}
            got = {c: refused(d, client(c, most=v12)) for c in wanted}
            bad = {c: got[c] for c in got if wanted[c] not in got[c]}
            return str(bad) if bad else ""

    @it("client_ca inline")
    def _():
        with Daemon(tls(strict, inline("client_ca", "ca.crt"))) as d:
            return "" if refused(d, client("client")) == "" and \
                refused(d, client("stranger")) else "no"

    @it("without an authority nobody is trusted")
    def _():
        with Daemon(tls(strict)) as d:
            return "" if refused(d, client("client")) else "let in"

    for san in ("prom.example", "a@b.example", "10.1.2.3", "spiffe://x/y"):
        @it("client_allowed_sans: " + san)
        def _():
            with Daemon(tls(strict, ca,
                            "client_allowed_sans: [x, '%s']" % san)) as d:
                return refused(d, client("client"))

    for what, sans in (("another name", "[other.example]"),
                       ("the common name", "[client]"),
                       ("a name in other letters", "[PROM.example]"),
                       ("an empty list", "[]")):
        @it("client_allowed_sans with %s lets nobody in" % what)
        def _():
            with Daemon(tls(strict, ca, "client_allowed_sans: " + sans)) as d:
                alert = refused(d, client("client"))
                return "" if "bad certificate" in alert else alert or "let in"

    @it("client_allowed_sans counts where a certificate is only asked for")
    def _():
        with Daemon(tls("client_auth_type: RequestClientCert",
                        "client_allowed_sans: [prom.example]")) as d:
            return "" if refused(d, client()) and \
                refused(d, client("client")) == "" else "no"
    refuses("an unknown mode is refused", tls("client_auth_type: Maybe"),
            'client_auth_type: "Maybe" is none; allowed are NoClientCert')
    refuses("an authority without a mode is refused", tls(ca),
            "client_ca_file: is given, but client_auth_type")
    refuses("an authority without a certificate is refused",
            tls(strict, "client_ca_file: server.key"),
            "client_ca_file: has no certificate")
    refuses("an authority that is no text of a certificate is refused",
            tls(strict, "client_ca: x"), "has no certificate")

    @it("what is broken between authorities is passed over, with a warning")
    def _():
        write("mixed.crt", read("other-ca.crt") + "-----BEGIN CERTIFICATE-----"
              "\nMAA=\n-----END CERTIFICATE-----\n" + read("ca.crt"))
        with Daemon(tls(strict, "client_ca_file: mixed.crt")) as d:
            return "" if refused(d, client("client")) == "" and \
                refused(d, client("stranger")) == "" and \
                "1 certificates cannot be read" in d.said() else d.said()
    refuses("an authority that is not there is named",
            tls(strict, "client_ca_file: none.crt"), "client_ca_file: ",
            "none.crt: No such file")


def test_http():
    """http2, headers."""
    @it("http2 is accepted, and HTTP/1.1 is what is spoken")
    def _():
        with Daemon(tls() + "http_server_config:\n  http2: true\n") as d:
            context = client()
            context.set_alpn_protocols(["h2", "http/1.1"])
            with socket.create_connection(("127.0.0.1", d.port)) as s:
                with context.wrap_socket(s) as t:
                    got = t.selected_alpn_protocol()
            return "" if got == "http/1.1" else got

    headers = {"Content-Security-Policy": "default-src 'none'",
               "X-Frame-Options": "deny", "X-Content-Type-Options": "nosniff",
               "X-XSS-Protection": "0",
               "Strict-Transport-Security": "max-age=60"}
    text = "http_server_config:\n  headers:\n" + "".join(
        "    %s: \"%s\"\n" % h for h in headers.items())

    @it("headers are on each answer, also on 404 and 401")
    def _():
        users = "basic_auth_users:\n  a: " + bcrypt("x") + "\n"
        with Daemon(text) as d, Daemon(text + users, name="b.yml") as e:
            for daemon, url, status in ((d, "/metrics", 200), (d, "/", 200),
                                        (d, "/none", 404), (e, "/", 401)):
                got = daemon.get(url=url)
                missing = [h for h in headers
                           if got[1].get(h.lower()) != headers[h]]
                if missing or got[0] != status:
                    return "%s: %d, without %s" % (url, got[0], missing)
        return ""

    @it("a newline in a header is a blank")
    def _():
        with Daemon("http_server_config:\n  headers:\n"
                    "    X-XSS-Protection: \"1\\nSet-Cookie: x\"\n") as d:
            got = d.get()[1]
            return "" if got["x-xss-protection"] == "1 Set-Cookie: x" and \
                "set-cookie" not in got else str(got)
    refuses("another header is refused",
            "http_server_config:\n  headers:\n    Server: x\n",
            "headers: Server cannot be set; allowed are")
    refuses("a header in other letters is refused",
            "http_server_config:\n  headers:\n    x-frame-options: deny\n",
            "cannot be set")
    refuses("a value that a header cannot have is refused",
            "http_server_config:\n  headers:\n    X-Frame-Options: maybe\n",
            'X-Frame-Options: "maybe" is not allowed; it must be deny or '
            "sameorigin")


def test_users():
    """basic_auth_users."""
    users = "basic_auth_users:\n  alice: %s\n  bob: %s\n  \"\": %s\n" % (
        bcrypt("secret"), bcrypt("p:\u00e4\u00df", name="2y"),
        bcrypt("", name="2a"))

    @it("the right password is let in, all else is 401")
    def _():
        long = "x" * 72
        config = users + "  long: %s\n" % bcrypt(long)
        with Daemon(config) as d:
            yes = (login("alice", "secret"), login("bob", "p:\u00e4\u00df"),
                   login("", ""), login("long", long),
                   login("long", long + "more"),
                   login("long", long + "x" * 2000),
                   {"Authorization": "bAsIc " + login(
                       "alice", "secret")["Authorization"][6:]})
            no = (None, login("alice", "Secret"), login("alice", ""),
                  login("alice", "secret\0"), login("alice", b"secret\0x"),
                  login("Alice", "secret"), login("carol", "secret"),
                  login("carol", "fakepassword"), login("bob", "secret"),
                  login("alic", "e:secret"), login("alice\0", "secret"),
                  {"Authorization": "Basic"}, {"Authorization": "Basic !"},
                  {"Authorization": "Bearer secret"},
                  {"Authorization": "Basic " + base64.b64encode(
                      b"alice").decode()},
                  {"Authorization": "Basic " + "A" * 8000})
            for _ in range(2):  # the second time from the cache
                bad = [h for h in yes if d.status(headers=h) != 200] + \
                    [h for h in no if d.status(headers=h) != 401]
                if bad:
                    return str(bad)
        return ""

    @it("401 asks for a password, on every path")
    def _():
        with Daemon(users) as d:
            for url in ("/", "/metrics", "/-/healthy", "/-/ready", "/none"):
                got = d.get(url=url)
                if got[0] != 401 or got[2] != b"Unauthorized\n" or \
                        got[1].get("www-authenticate") != "Basic":
                    return "%s: %s" % (url, got)
        return ""

    @it("a user that is not there costs as much as a wrong password")
    def _():
        def ticks(d):
            with open("/proc/%d/stat" % d.process.pid) as f:
                return sum(map(int, f.read().split()[13:15]))

        def cost(d, user):
            """The CPU time of five passwords."""
            before = ticks(d)
            for i in range(5):
                d.status(headers=login(user, "no%d" % i))
            return ticks(d) - before
        with Daemon("basic_auth_users:\n  a: " + bcrypt("x", 10) + "\n") as d:
            known, unknown, again = cost(d, "a"), cost(d, "b"), cost(d, "a")
            return "" if unknown > known / 3 and again < known / 3 else \
                "%d %d %d" % (known, unknown, again)

    @it("whose password is known does not wait for the wrong ones of others")
    def _():
        with Daemon("basic_auth_users:\n  a: %s\n  slow: %s\n" %
                    (bcrypt("x"), bcrypt("y", 14))) as d:
            d.status(headers=login("a", "x"))
            t = threading.Thread(target=lambda: d.status(
                headers=login("slow", "wrong")))
            t.start()
            for _ in range(5):
                d.status(headers=login("a", "x"))
            is_first = t.is_alive()
            t.join()
            return "" if is_first else "it came second"

    @it("a thousand passwords at once are answered, each rightly")
    def _():
        with Daemon(users, "--web.max-requests=0") as d:
            bad = []

            def guess(n):
                for i in range(125):
                    right = i % 5 == 0
                    h = login("alice", "secret" if right else
                              "g%d.%d" % (n, i))
                    if d.status(headers=h) != (200 if right else 401):
                        bad.append((n, i))
            threads = [threading.Thread(target=guess, args=(n,))
                       for n in range(8)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            return str(bad[:3]) if bad else ""
    accepts("an empty map of users lets everybody in", "basic_auth_users: {}\n")
    for what, value in (("an empty hash", "\"\""), ("no hash", ""),
                        ("a plain password", "secret"),
                        ("a hash of MD5", "$apr1$abcdefgh$ijklmnopqrstuvwxyz"),
                        ("half a hash", "$2y$10$abc"),
                        ("a cost of 3", bcrypt("x").replace("$04$", "$03$")),
                        ("a cost of 32", bcrypt("x").replace("$04$", "$32$"))):
        refuses(what + " is refused, and the user named",
                "basic_auth_users:\n  alice: %s\n" % value,
                "basic_auth_users.alice: ")


def test_rate_limit():
    """rate_limit."""
    @it("rate_limit: so many requests, then 429, before the password is asked")
    def _():
        users = "basic_auth_users:\n  a: " + bcrypt("x") + "\n"
        with Daemon(users + "rate_limit:\n  interval: 1h\n  burst: 3\n") as d:
            got = [d.status() for _ in range(5)]
            body = d.get()
            return "" if got == [401, 401, 401, 429, 429] and \
                body[2] == b"Too Many Requests\n" else str(got)

    @it("rate_limit: one more after each interval")
    def _():
        with Daemon("rate_limit:\n  interval: 10ms\n  burst: 1\n") as d:
            d.status()
            until(lambda: d.status() == 200)
        return ""

    @it("a burst of 0 lets nobody in, no interval everybody")
    def _():
        with Daemon("rate_limit:\n  interval: 1ms\n") as d, \
                Daemon("rate_limit:\n  burst: 1\n", name="b.yml") as e:
            got = [d.status(), e.status(), e.status(), e.status()]
            return "" if got == [429, 200, 200, 200] else str(got)
    for value in ("1h2m3.5s", "100us", "5", "-1s", "0"):
        accepts("the interval " + value, "rate_limit:\n  interval: %s\n" % value)
    for value in ("1d", "soon", "1.s.", "''"):
        refuses("the interval %s is refused" % value,
                "rate_limit:\n  interval: %s\n" % value,
                "rate_limit.interval: must be a duration with a unit")


def test_reload():
    """What changes while the daemon runs."""
    @it("a new password counts at the next request, on an open connection too")
    def _():
        config = "basic_auth_users:\n  a: %s\n"
        with Daemon(config % bcrypt("one")) as d:
            c = connect(d.port, False)
            got = [d.get(headers=login("a", "one"), connection=c)[0]]
            write("web.yml", config % bcrypt("two"))
            got += [d.get(headers=login("a", p), connection=c)[0]
                    for p in ("one", "two")]
            return "" if got == [200, 401, 200] else str(got)

    @it("a renewed certificate counts at the next connection")
    def _():
        def serial(d):
            pem = ssl.get_server_certificate(("127.0.0.1", d.port))
            return pem.strip()
        write("live.crt", read("server.crt"))
        write("live.key", read("server.key"))
        with Daemon(tls(cert="cert_file: live.crt",
                        key="key_file: live.key")) as d:
            first = serial(d)
            write("live.crt", read("other.crt"))
            # Between the two files the pair is wrong: nobody is let in.
            broken = refused(d, client())
            write("live.key", read("other.key"))
            second = serial(d)
            return "" if first == read("server.crt").strip() and \
                "internal error" in broken and \
                second == read("other.crt").strip() else broken

    @it("certificates that a swapped link names are taken, as of a cluster")
    def _():
        for i, name in enumerate(("server", "other")):
            os.makedirs(path("mount/..%d" % i))
            for suffix in ("crt", "key"):
                write("mount/..%d/tls.%s" % (i, suffix),
                      read("%s.%s" % (name, suffix)))
        os.symlink("..0", path("mount/..data"))
        for suffix in ("crt", "key"):
            os.symlink("..data/tls." + suffix, path("mount/tls." + suffix))
        with Daemon(tls(cert="cert_file: mount/tls.crt",
                        key="key_file: mount/tls.key")) as d:
            d.status(tls=True)
            os.symlink("..1", path("mount/..new"))
            os.rename(path("mount/..new"), path("mount/..data"))
            pem = ssl.get_server_certificate(("127.0.0.1", d.port))
            return "" if pem.strip() == read("other.crt").strip() else d.said()

    @it("a client authority counts at the next connection")
    def _():
        strict = "client_auth_type: RequireAndVerifyClientCert"
        config = tls(strict, "client_ca_file: %s.crt")
        with Daemon(config % "ca") as d:
            first = refused(d, client("client"))
            write("web.yml", config % "other-ca")
            second = refused(d, client("client"))
            third = refused(d, client("stranger"))
            return "" if (first, third) == ("", "") and \
                "unknown ca" in second else "%s %s %s" % (first, second, third)

    @it("a broken file closes plain HTTP with 500, until it is whole, "
        "with one line in the log")
    def _():
        with Daemon("http_server_config:\n  http2: true\n") as d:
            write("web.yml", "nonsense: 1\n")
            got = [d.get()[::2] for _ in range(3)]
            write("web.yml", "{}\n")
            again = d.status()
            log = d.said()
            return "" if got == [(500, b"Internal Server Error\n")] * 3 and \
                again == 200 and log.count("no key nonsense") == 1 and \
                "web.yml: is right again" in log else "%s %s" % (got, log)

    @it("a file that is gone closes too")
    def _():
        with Daemon("{}\n") as d:
            os.rename(path("web.yml"), path("away.yml"))
            closed = d.status()
            os.rename(path("away.yml"), path("web.yml"))
            return "" if closed == 500 and d.status() == 200 else str(closed)

    @it("a broken file ends handshakes with internal_error, until it is whole")
    def _():
        with Daemon(tls()) as d:
            write("web.yml", tls("min_version: TLS99"))
            alert = refused(d, client())
            write("web.yml", "{}\n")
            gone = refused(d, client())
            write("web.yml", tls())
            return "" if "internal error" in alert and \
                "internal error" in gone and d.status(tls=True) == 200 and \
                "start again" in d.said() else "%s %s" % (alert, gone)

    @it("users that are gone close: half a file lets nobody in")
    def _():
        config = "basic_auth_users:\n  a: %s\n" % bcrypt("x")
        with Daemon(config) as d:
            got = []
            for text in ("", "basic_auth_users:\n", "{}\n", config):
                with open(path("web.yml"), "w") as f:
                    f.write(text)
                got.append(d.status())
            return "" if got == [500, 500, 500, 401] and \
                "basic_auth_users is gone" in d.said() else str(got)

    @it("a hash that is no more one closes")
    def _():
        with Daemon("basic_auth_users:\n  a: %s\n" % bcrypt("x")) as d:
            write("web.yml", "basic_auth_users:\n  a: plain\n")
            return "" if d.status(headers=login("a", "plain")) == 500 else "no"

    @it("a file that is written over at once, again and again, is read each time")
    def _():
        config = "basic_auth_users:\n  a: %s\n"
        configs = [config % bcrypt("p%d" % i) for i in range(2)]
        with Daemon(configs[0]) as d:
            c = connect(d.port, False)
            for i in range(1, 60):
                with open(path("web.yml"), "w") as f:
                    f.write(configs[i % 2])
                got = [d.get(headers=login("a", "p%d" % j), connection=c)[0]
                       for j in (i % 2, 1 - i % 2)]
                if got != [200, 401]:
                    return "%d: %s" % (i, got)
        return ""

    @it("SIGHUP says what the configuration is")
    def _():
        with Daemon("{}\n") as d:
            d.status()
            d.process.send_signal(signal.SIGHUP)
            until(lambda: "SIGHUP: has the web configuration" in d.said())
            return "" if d.status() == 200 else "ended"


def test_connections():
    """TLS and what clients do with it."""
    @it("a client that speaks HTTP to TLS is told so")
    def _():
        with Daemon(tls()) as d:
            got = d.get()
            return "" if got[0] == 400 and b"HTTPS server" in got[2] else \
                str(got)

    @it("two scrapes of one connection, a large one, gzip")
    def _():
        with Daemon(tls()) as d:
            c = connect(d.port, True)
            a = d.get(url="/metrics", connection=c)
            b = d.get(url="/metrics", connection=c,
                      headers={"Accept-Encoding": "gzip"})
            return "" if a[0] == b[0] == 200 and \
                b[1].get("content-encoding") == "gzip" else str((a[1], b[1]))

    @it("clients that stop in a handshake keep nobody out")
    def _():
        with Daemon(tls()) as d:
            idle = [socket.create_connection(
                ("127.0.0.1", d.port), source_address=("127.0.0.2", 0))
                for _ in range(40)]
            for i, s in enumerate(idle):
                s.sendall(b"\x16\x03\x01\x02\x00"[:i % 6])
            status = d.status(tls=True)
            for s in idle:
                s.close()
            return "" if status == 200 else str(status)

    @it("a connection leaves no memory behind")
    def _():
        def resident(d):
            with open("/proc/%d/status" % d.process.pid) as f:
                return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

        def connections(d, n):
            def some():
                for _ in range(n // 4):
                    d.status(tls=True)
            threads = [threading.Thread(target=some) for _ in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        with Daemon(tls()) as d:
            connections(d, 800)
            before = resident(d)
            connections(d, 3200)
            after = resident(d)
            # A sanitizer keeps what is freed.
            return "" if after - before < 300 or "SANITIZED" in os.environ else "%d KiB" % (after - before)

    @it("garbage in place of a handshake ends that connection only")
    def _():
        with Daemon(tls()) as d:
            for text in (b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"a" * 2000,
                         b"\x80\x2e\x01\x00\x02", os.urandom(500)):
                with socket.create_connection(("127.0.0.1", d.port)) as s:
                    s.settimeout(20)
                    s.sendall(text)
                    s.shutdown(socket.SHUT_WR)
                    try:
                        while s.recv(4096):
                            pass
                    except ConnectionError:
                        pass
            return "" if d.status(tls=True) == 200 else "ended"

    @it("the health address needs no certificate and no password")
    def _():
        strict = "client_auth_type: RequireAndVerifyClientCert"
        users = "basic_auth_users:\n  a: %s\n" % bcrypt("x")
        with Daemon(tls(strict, "client_ca_file: ca.crt") + users,
                    "--web.health-address=127.0.0.1:0") as d:
            ports = re.findall(r"on port (\d+)(.*)", d.said())
            health = [int(p) for p, rest in ports if "health" in rest][0]
            got = []
            for url in ("/-/healthy", "/-/ready", "/metrics", "/"):
                c = connect(health, False)
                c.request("GET", url)
                got.append(c.getresponse().status)
            return "" if got == [200, 200, 404, 404] else str(got)

    @it("the log of requests has no byte of a request")
    def _():
        with Daemon("{}\n", "--log.level=debug", "--log.format=json") as d:
            d.get(url="/secret?password=hunter2",
                  headers={"User-Agent": "agent007"})
            d.get(url="/metrics")
            until(lambda: '"endpoint":"/metrics"' in d.said())
            log = d.said()
            bad = [w for w in ("secret", "hunter2", "agent007") if w in log]
            return str(bad) if bad or '"endpoint":"other"' not in log or \
                '"client":"127.0.0.1"' not in log else ""


make_certificates()
for test in (test_files, test_certificates, test_versions, test_suites,
             test_client_certificates, test_http, test_users, test_rate_limit,
             test_reload, test_connections):
    test()
sys.exit(STATUS)
