"""A network of its own for the tests of the way out: a namespace whose loopback has all the addresses
of a small internet, with a name server, web servers with and without TLS, and a record of what they
were asked. Importing programs call enter() first: it starts them again inside.
"""
import gzip
import http.server
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading

PUBLIC = "11.0.0.1"
OTHER = "11.0.0.2"
PRIVATE = "10.0.0.5"
METADATA = "169.254.169.254"
ADDRESSES = [PUBLIC, OTHER, PRIVATE, METADATA, "100.100.100.200"]

NAMES = {
    "allowed.example.net": [PUBLIC],
    "api.example.net": [PUBLIC],
    "one.files.example.net": [PUBLIC],
    "evil.example.net": [OTHER],
    "inner.example.net": [PRIVATE],
    "meta.example.net": [METADATA],
    "loop.example.net": ["127.0.0.1"],
    "plain.example.net": [PUBLIC],
    "ruled.example.net": [PUBLIC],
}
WITHOUT_CERTIFICATE = {"impostor.example.net": [PUBLIC]}
ANYTHING = ".attacker.example.net"  # a zone that answers every name


def enter():
    """None inside; else starts this program again in a namespace, or says why it cannot."""
    if os.environ.get("EGRESS_TEST_NETWORK"):
        return None
    if os.geteuid() != 0:
        return "needs root, to make a network namespace"
    if not shutil.which("unshare") or not shutil.which("ip") or not shutil.which("openssl"):
        return "needs unshare, ip and openssl"
    os.environ["EGRESS_TEST_NETWORK"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, "-B", *sys.argv])


class Names(threading.Thread):
    """A name server that remembers what it was asked. `rebinding`: its second answer is another."""

    def __init__(self):
        super().__init__(daemon=True)
        self.asked = []
        self.rebound = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))

    def addresses(self, name):
        if name == "rebind.example.net":
            self.rebound += 1
            return [PUBLIC] if self.rebound % 2 else [PRIVATE]
        if name.endswith(ANYTHING):
            return [OTHER]
        return NAMES.get(name) or WITHOUT_CERTIFICATE.get(name)

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
                at += 1 + query[at]
            kind = struct.unpack("!H", query[at + 1:at + 3])[0]
            name = ".".join(labels).lower()
            self.asked.append(name)
            found = self.addresses(name) if kind == 1 else []
            answers = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(address) for address in found or []]
            code = 0 if found is not None else 3
            header = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(answers), 0, 0)
            self.socket.sendto(header + query[12:at + 5] + b"".join(answers), peer)


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hits = []

    def log_message(self, *args):
        pass

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def serve(self):
        tls = isinstance(self.connection, ssl.SSLSocket)
        Web.hits.append({"at": self.connection.getsockname()[0], "tls": tls, "method": self.command, "path": self.path,
                         "headers": [list(item) for item in self.headers.items()]})
        length = int(self.headers.get("Content-Length", 0))
        got = len(self.rfile.read(length)) if length else 0
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                got += len(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        path = self.path.partition("?")[0]
        if path == "/redirect":
            self.answer(302, b"", Location=f"http://{METADATA}/latest")
        elif path == "/echo":
            body = json.dumps(dict(self.headers.items())).encode()
            self.answer(200, body, X_Echo=str(self.headers.get("Authorization")))
        elif path == "/trickle":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for byte in json.dumps(dict(self.headers.items())).encode():
                self.wfile.write(b"1\r\n%c\r\n" % byte)
            self.wfile.write(b"0\r\n\r\n")
        elif path == "/packed":
            body = gzip.compress(json.dumps(dict(self.headers.items())).encode())
            self.answer(200, body, Content_Encoding="gzip")
        elif path == "/big":
            self.answer(200, b"x" * int(self.path.partition("?")[2]))
        elif path == "/count":
            self.answer(200, str(got).encode())
        else:
            self.answer(200, b"hello from " + self.headers.get("Host", "").encode())

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


class Network:
    """Everything together; `ca` is a file for whoever is to trust these servers."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="caisson-egress-")
        subprocess.run(["mount", "--make-rprivate", "/proc"], check=False, capture_output=True)
        ip = lambda *words: subprocess.run(["ip", *words], check=True, capture_output=True)
        ip("link", "set", "lo", "up")
        for address in ADDRESSES:
            ip("address", "add", address + "/32", "dev", "lo")
        resolv = os.path.join(self.directory, "resolv.conf")
        with open(resolv, "w") as file:
            file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        subprocess.run(["mount", "--bind", resolv, os.path.realpath("/etc/resolv.conf")], check=True)
        self.names = Names()
        self.names.start()
        self.ca = os.path.join(self.directory, "ca.pem")
        key = os.path.join(self.directory, "key.pem")
        names = ",".join("DNS:" + name for name in [*NAMES, "*.files.example.net", "rebind.example.net"])
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=caisson egress test", "-addext", "subjectAltName=" + names, "-keyout", key, "-out", self.ca],
            check=True, capture_output=True)
        plain = Server(("0.0.0.0", 80), Web)
        secure = Server(("0.0.0.0", 443), Web)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
        for server in (plain, secure):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.hits = Web.hits

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)
