"""The way out of a sandbox with network.mode: proxy, against real servers in a network of their own.

Each attack is named after its row of the threat model, and has a control that shows that the same
thing works where the policy allows it.
"""
import json
import os
import sys
import unittest

import egress_net
from support import TempDirTest, backend_problem, caisson, outcomes

SECRET = "Bearer s3cr3t-t0ken-4711"

POLICY = """version: 1
extends: [networked]
acknowledge: {wildcard_host: a test, secret_in_clear: a test, private_network: a test}
time: {block: 30s}
network:
  egress:
    allow:
      allowed.example.net: {ports: [80, 443]}
      "*.files.example.net": {ports: [80]}
      rebind.example.net: {ports: [80]}
      inner.example.net: {ports: [80]}
      meta.example.net: {ports: [80]}
      loop.example.net: {ports: [80]}
      ruled.example.net: {ports: [80], methods: [GET], paths: ["/simple/**"]}
      api.example.net: {}
      impostor.example.net: {}
      plain.example.net: {ports: [80]}
EXTRA
    credentials:
      api.example.net: {header: Authorization, secret: env:EGRESS_TEST_SECRET}
      impostor.example.net: {header: Authorization, secret: env:EGRESS_TEST_SECRET}
      plain.example.net: {header: X-Key, secret: env:EGRESS_TEST_SECRET}
"""

PRELUDE = r'''
import json, os, socket, ssl, threading, urllib.error, urllib.request
def get(url, method="GET", data=None, headers={}, trust=True):
    """(status, headers, body), through the proxy that the environment names."""
    context = ssl._create_unverified_context()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(urllib.request.Request(url, data, headers, method=method), timeout=15) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()
    except Exception as error:
        return 0, {}, f"{type(error).__name__}: {error}".encode()
def raw(*pieces, wait=5):
    """What the proxy answers to these bytes, until it closes the connection or says nothing."""
    got = b""
    with socket.create_connection(("127.0.0.1", 3128), timeout=wait) as proxy:
        try:
            for piece in pieces:
                proxy.sendall(piece)
            while chunk := proxy.recv(65536):
                got += chunk
        except OSError:
            pass
    return got
def status(answer):
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0
def tunnel(host, sni, port=443, context=None):
    """A TLS connection through CONNECT `host`, that names `sni`."""
    proxy = socket.create_connection(("127.0.0.1", 3128), timeout=5)
    proxy.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    answer = proxy.recv(4096)
    if status(answer) != 200:
        return answer
    try:
        secure = (context or ssl._create_unverified_context()).wrap_socket(proxy, server_hostname=sni)
        secure.sendall(f"GET /hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        got = b""
        while chunk := secure.recv(65536):
            got += chunk
        return got
    except OSError as error:
        return f"broken: {error}".encode()
'''

network = None


class Egress(TempDirTest):
    backend = "runc"
    extra = ""

    @classmethod
    def setUpClass(cls):
        problem = backend_problem(cls.backend)
        if problem:
            raise unittest.SkipTest(f"{cls.backend} cannot be used here: {problem}")

    def setUp(self):
        super().setUp()
        network.hits.clear()
        network.names.asked.clear()
        self.state = os.environ.get("CAISSON_STATE") or "/var/lib/caisson"

    def outcome(self, code, extra="", policy=POLICY):
        path = self.path("egress.yaml", policy.replace("EXTRA", extra))
        result = caisson("exec", "--backend", self.backend, "--policy", path, "--json", "-c", PRELUDE, "-c", code,
                         env={"SSL_CERT_FILE": network.ca, "EGRESS_TEST_SECRET": SECRET})
        found = outcomes(result)
        self.assertEqual(len(found), 2, result.stderr)
        self.all_bytes = result.stdout + result.stderr
        return found[1]

    def value(self, code, **more):
        outcome = self.outcome(code, **more)
        self.assertIsNone(outcome["error"], outcome["error"])
        return eval(outcome["value"]["text/plain"])  # of our own code's plain values

    def places(self):
        return {hit["at"] for hit in network.hits}

    def denied(self, outcome):
        return [one["error"] for one in outcome["denials"] if one["layer"] == "egress"]


class Works(Egress):
    def test_urllib_reaches_an_allowed_host_by_http_and_https(self):
        found = self.value("[get('http://allowed.example.net/hello')[::2], get('https://allowed.example.net/hello')[::2]]")
        self.assertEqual(found, [(200, b"hello from allowed.example.net")] * 2)
        self.assertEqual([hit["tls"] for hit in network.hits], [False, True])

    def test_a_plain_request_to_a_host_with_port_443_is_sent_on_encrypted(self):
        self.assertEqual(self.value("get('http://api.example.net/hello')[0]"), 200)
        self.assertEqual([hit["tls"] for hit in network.hits], [True])

    def test_bodies_of_either_framing_arrive_whole_on_one_connection(self):
        code = r"""
answers = raw(b'POST http://allowed.example.net/count HTTP/1.1\r\nHost: allowed.example.net\r\nContent-Length: 5\r\n\r\nhello'
              b'POST http://allowed.example.net/count HTTP/1.1\r\nHost: allowed.example.net\r\nTransfer-Encoding: chunked\r\n'
              b'Connection: close\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n')
[answers.count(b'HTTP/1.1 200'), b'\r\n\r\n5' in answers, answers.endswith(b'7')]
"""
        self.assertEqual(self.value(code), [2, True, True])

    def test_a_large_answer_arrives_whole(self):
        self.assertEqual(self.value("len(get('http://allowed.example.net/big?20000000')[2])"), 20000000)

    def test_a_refusal_is_explained_in_the_answer_and_in_the_outcome(self):
        outcome = self.outcome("json.loads(get('http://evil.example.net/')[2])")
        told = eval(outcome["value"]["text/plain"])
        self.assertEqual(told["denied"], "denied_host")
        self.assertIn("egress.yaml:", told["line"])
        self.assertIn("network.egress.allow", told["rule"])
        self.assertIn("allowed.example.net", told["hint"])
        [denial] = [one for one in outcome["denials"] if one["layer"] == "egress"]
        self.assertEqual(denial["subject"], "GET evil.example.net:80")
        self.assertIn("egress.yaml:", denial["rule"])

    def test_nothing_but_the_proxy_can_be_connected_to_and_no_udp_is_there(self):
        code = r"""
def attempt(*words, port=None, bind=None):
    try:
        with socket.socket(*words) as s:
            if bind: s.bind(bind)
            if port: s.connect(('127.0.0.1', port))
        return 'open'
    except OSError as error:
        return error.errno
def unix(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(2); s.connect(path); s.sendall(b'x'); return s.recv(1)
    except OSError as error:
        return 'refused'
[attempt(socket.AF_INET, socket.SOCK_STREAM, port=3128), attempt(socket.AF_INET, socket.SOCK_DGRAM),
 attempt(socket.AF_INET, socket.SOCK_STREAM, port=3129), attempt(socket.AF_INET, socket.SOCK_STREAM, bind=('127.0.0.2', 3128)),
 attempt(socket.AF_INET, socket.SOCK_STREAM, 262), attempt(socket.AF_INET6, socket.SOCK_STREAM), unix('/run/caisson/egress.sock')]
"""
        found = self.value(code)
        self.assertEqual(found[0], "open")
        self.assertEqual(found[1:6], [1, 13, 13, 1, 1])  # EPERM of seccomp, EACCES of Landlock
        self.assertIn(found[6], ("refused", b""))

    def test_sessions_show_counts_and_the_journal_tells(self):
        path = self.path("egress.yaml", POLICY.replace("EXTRA", ""))
        common = ["--backend", self.backend, "--policy", path]
        env = {"SSL_CERT_FILE": network.ca, "EGRESS_TEST_SECRET": SECRET}
        try:
            caisson("exec", *common, "--session", "egress-show", "-c", PRELUDE,
                    "-c", "get('http://allowed.example.net/hello'); get('http://evil.example.net/')", env=env)
            # Another process goes on with the sandbox, and its proxy with the journal.
            second = caisson("exec", *common, "--session", "egress-show", "-c", "print(get('http://allowed.example.net/hello')[0])", env=env)
            self.assertEqual(second.stdout, "200\n", second.stderr)
            shown = json.loads(caisson("sessions", "show", "egress-show", "--json").stdout)
            self.assertIn("3 requests, 1 refused, 0 failed", caisson("sessions", "show", "egress-show").stdout)
            self.assertEqual((shown["egress"]["requests"], shown["egress"]["refused"]), (3, 1))
            with open(shown["egress"]["journal"]) as file:
                lines = [json.loads(line) for line in file]
            self.assertEqual([line["down_bytes"] for line in lines], [len(b"hello from allowed.example.net"), 0, 30])
            self.assertEqual([line["verdict"] for line in lines], ["allowed", "denied_host", "allowed"])
            # Without its secret a command says so, and leaves the session alone.
            without = caisson("exec", *common, "--session", "egress-show", "-c", "1", env={"SSL_CERT_FILE": network.ca})
            self.assertNotEqual(without.returncode, 0)
            self.assertIn("EGRESS_TEST_SECRET is not set", without.stderr)
            again = caisson("exec", *common, "--session", "egress-show", "-c", "print(get('http://api.example.net/hello')[0])", env=env)
            self.assertEqual(again.stdout, "200\n", again.stderr)
            self.assertEqual((lines[0]["address"], lines[0]["port"], lines[2]["session"]), (egress_net.PUBLIC, 80, "egress-show"))
        finally:
            caisson("sessions", "kill", "egress-show")


    def test_a_client_that_waits_for_100_continue_gets_it(self):
        code = r"""
with socket.create_connection(('127.0.0.1', 3128), timeout=5) as s:
    s.sendall(b'POST http://allowed.example.net/count HTTP/1.1\r\nHost: allowed.example.net\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n')
    first = s.recv(100)
    s.sendall(b'abc')
    rest = b''
    while chunk := s.recv(4096): rest += chunk
[first, rest.endswith(b'\r\n\r\n3')]
"""
        self.assertEqual(self.value(code), [b"HTTP/1.1 100 Continue\r\n\r\n", True])


class Attacks(Egress):
    def test_n05_only_the_exact_host_and_one_label_below_a_star_pass(self):
        hosts = ["evil-allowed.example.net", "allowed.example.net.evil.example.net", "x.allowed.example.net", "example.net",
                 "files.example.net", "a.b.files.example.net", "evil.example.net"]
        found = self.value(f"[get('http://' + host + '/')[0] for host in {hosts}]")
        self.assertEqual(found, [403] * len(hosts))
        self.assertEqual(self.places(), set())
        control = self.value("[get(u)[0] for u in ('http://allowed.example.net/', 'http://one.files.example.net/')]")
        self.assertEqual(control, [200, 200])

    def test_n06_a_host_has_one_spelling(self):
        hosts = ["allowed.example.net%00.evil.example.net", "evil.example.net%00.allowed.example.net", "allowed.example.net.",
                 "allowed.example.net@evil.example.net", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]",
                 "[::1%25lo]", "allowed.example.net:65617", "allowed.example.net:99999999", "allowed.example.net:", "", "all\\owed.example.net",
                 "127.0.0.1", "169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "[::1]", "[64:ff9b::7f00:1]", "xn--llowed-qta.example.net"]
        code = f"""
def ask(host, field=None):
    line = 'GET http://' + host + '/ HTTP/1.1\\r\\nHost: ' + (host if field is None else field) + '\\r\\n\\r\\n'
    return status(raw(line.encode('latin-1')))
plain = [ask(host) for host in {hosts!r}]
odd = [ask('allowed.example.net\\0.evil.example.net'), ask('ällowed.example.net'),
       status(raw(b'GET http://allowed.example.net/ HTTP/1.1\\r\\n\\r\\n')),
       status(raw(b'GET http://allowed.example.net/ HTTP/1.1\\r\\nHost:\\r\\n\\r\\n')),
       status(raw(b'GET http://allowed.example.net/ HTTP/1.1\\r\\nHost: allowed.example.net\\r\\nHost: evil.example.net\\r\\n\\r\\n')),
       ask('allowed.example.net', 'evil.example.net'), ask('allowed.example.net', 'allowed.example.net:8080'),
       status(raw(b'GET / HTTP/1.1\\r\\nHost: allowed.example.net\\r\\n\\r\\n')),
       status(raw(b'GET http://allowed.example.net/\\nX: y HTTP/1.1\\r\\nHost: allowed.example.net\\r\\n\\r\\n')),
       status(raw(b'CONNECT allowed.example.net HTTP/1.1\\r\\nHost: allowed.example.net\\r\\n\\r\\n'))]
[plain, odd, ask('ALLOWED.example.NET')]
"""
        plain, odd, control = self.value(code)
        self.assertLessEqual(set(plain), {400, 403}, list(zip(hosts, plain)))
        self.assertEqual(set(odd), {400})
        self.assertEqual(control, 200)
        self.assertEqual(len(network.hits), 1)

    def test_n07_no_name_leaves_before_a_rule_allows_it(self):
        code = r"""
names = []
try: names.append(socket.getaddrinfo('canary-1.attacker.example.net', 80))
except OSError as error: names.append(type(error).__name__)
names.append(get('https://dns.example.net/dns-query?name=canary-5.attacker.example.net')[0])
names += [get('http://canary-2.attacker.example.net/')[0], status(raw(b'CONNECT canary-3.attacker.example.net:443 HTTP/1.1\r\nHost: canary-3.attacker.example.net:443\r\n\r\n'))]
names
"""
        self.assertEqual(self.value(code), ["gaierror", 0, 403, 403])
        self.assertEqual([name for name in network.names.asked if "canary" in name], [])
        control = "      \"*.attacker.example.net\": {ports: [80]}"
        self.assertEqual(self.value("get('http://canary-4.attacker.example.net/')[0]", extra=control), 200)
        self.assertIn("canary-4.attacker.example.net", network.names.asked)

    def test_n08_an_allowed_name_that_resolves_inside_is_not_followed(self):
        hosts = ["inner", "meta", "loop"]
        code = f"[json.loads(get('http://' + host + '.example.net/')[2])['denied'] for host in {hosts}]"
        self.assertEqual(self.value(code), ["resolved_to_denied"] * 3)
        self.assertEqual(self.places(), set())
        network.names.rebound = 0
        code = "[get('http://rebind.example.net/')[0] for _ in range(4)]"
        self.assertEqual(self.value(code), [200, 403, 200, 403])
        self.assertEqual(self.places(), {egress_net.PUBLIC})
        opened = POLICY.replace("    credentials:", "    exempt: [10.0.0.0/24]\n    credentials:")
        self.assertEqual(self.value("get('http://inner.example.net/')[0]", policy=opened), 200)
        self.assertIn(egress_net.PRIVATE, self.places())

    def test_n09_a_tunnel_is_tls_to_the_host_that_was_named(self):
        code = r"""
def speak(words):
    proxy = socket.create_connection(('127.0.0.1', 3128), timeout=5)
    proxy.sendall(b'CONNECT allowed.example.net:443 HTTP/1.1\r\nHost: allowed.example.net:443\r\n\r\n')
    proxy.recv(4096)
    try:
        proxy.sendall(words); return proxy.recv(4096)
    except OSError as error:
        return b''
[tunnel('allowed.example.net', 'evil.example.net')[:6], tunnel('allowed.example.net', None)[:6],
 speak(b'GET / HTTP/1.1\r\nHost: allowed.example.net\r\n\r\n'), speak(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), speak(b'SSH-2.0-x\r\n'),
 status(tunnel('allowed.example.net', 'allowed.example.net'))]
"""
        outcome = self.outcome(code)
        found = eval(outcome["value"]["text/plain"])
        self.assertEqual(found, [b"broken", b"broken", b"", b"", b"", 200])
        self.assertEqual(len(network.hits), 1)
        self.assertIn("denied_tls", self.denied(outcome))
        hints = " ".join(one["hint"] for one in outcome["denials"])
        self.assertIn("SNI names another host", hints)

    def test_n10_each_request_of_a_connection_is_judged_by_itself(self):
        code = r"""
first = b'GET http://allowed.example.net/hello HTTP/1.1\r\nHost: allowed.example.net\r\n\r\n'
def then(second):
    got = raw(first + second)
    return [int(part[:3]) for part in got.split(b'HTTP/1.1 ')[1:]]
def one(words, host=b'allowed.example.net'):
    return status(raw(b'GET http://' + host + b'/hello HTTP/1.1\r\nHost: ' + host + b'\r\n' + words + b'\r\n'))
[get('http://allowed.example.net/redirect')[0],
 then(b'GET http://evil.example.net/ HTTP/1.1\r\nHost: evil.example.net\r\n\r\n'),
 then(b'CONNECT evil.example.net:443 HTTP/1.1\r\nHost: evil.example.net:443\r\n\r\n'),
 one(b'Connection: Upgrade\r\nUpgrade: websocket\r\n'),
 status(raw(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')),
 status(raw(b'TRACE http://allowed.example.net/ HTTP/1.1\r\nHost: allowed.example.net\r\n\r\n')),
 one(b'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n'), one(b'Content-Length: 4\r\nContent-Length: 5\r\n'),
 one(b'Transfer-Encoding: xchunked\r\n'), one(b'X: a\r\n b\r\n'), one(b'X : a\r\n'),
 [get('http://ruled.example.net' + p)[0] for p in ('/simple/../secret', '/simple/%2e%2e/secret', '/simple/..%2fsecret', '/simple//x', '/other')],
 get('http://ruled.example.net/simple/x', 'POST', b'x')[0],
 then(first.replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n')), get('http://ruled.example.net/simple/x')[0]]
"""
        found = self.value(code)
        self.assertEqual(found[:11], [403, [200, 403], [200, 403], 400, 400, 400, 400, 400, 400, 400, 400])
        self.assertEqual(found[11:13], [[403] * 5, 403])
        self.assertEqual(found[13:], [[200, 200], 200])
        self.assertEqual(self.places(), {egress_net.PUBLIC})

    def test_n11_uploads_downloads_connections_and_requests_are_limited(self):
        limited = POLICY.replace("    credentials:", "    max_connections: 4\n    requests_per_minute: 30\n    upload_max_bytes: 64Ki\n"
                                 "    download_max_bytes: 1Mi\n    credentials:")
        code = r"""
import time
results = [get('http://allowed.example.net/count', 'POST', b'x' * 70000)[0], get('http://allowed.example.net/count', 'POST', b'x' * 60000)[::2]]
def endless():
    yield b'POST http://allowed.example.net/count HTTP/1.1\r\nHost: allowed.example.net\r\nTransfer-Encoding: chunked\r\n\r\n'
    for _ in range(100): yield b'1000\r\n' + b'x' * 4096 + b'\r\n'
results.append(status(raw(*endless())))
results.append(get('http://allowed.example.net/big?2000000')[0])
held = []
for _ in range(4):
    s = socket.create_connection(('127.0.0.1', 3128)); s.sendall(b'GET http'); held.append(s)
time.sleep(0.3)
answers = []
for _ in range(200):
    answers.append(status(raw(b'GET http://allowed.example.net/hello HTTP/1.1\r\nHost: allowed.example.net\r\n\r\n')))
results.append(set(answers))
for s in held: s.close()
time.sleep(0.3)
results.append({get('http://allowed.example.net/hello')[0] for _ in range(40)})
results
"""
        found = self.value(code, policy=limited)
        self.assertEqual(found, [413, (200, b"60000"), 413, 413, {429}, {200, 429}])

    def test_n11_who_hangs_up_in_the_middle_is_written_down(self):
        code = r"""
import time
with socket.create_connection(('127.0.0.1', 3128), timeout=5) as s:
    s.sendall(b'GET http://allowed.example.net/big?50000000 HTTP/1.1\r\nHost: allowed.example.net\r\n\r\n')
    s.recv(1000)
with socket.create_connection(('127.0.0.1', 3128), timeout=5) as s:
    s.sendall(b'POST http://allowed.example.net/count HTTP/1.1\r\nHost: allowed.example.net\r\nContent-Length: 9\r\n\r\nabc')
time.sleep(0.5)
"""
        before = set(os.listdir(os.path.join(self.state, "egress")))
        self.outcome(code)
        [name] = set(os.listdir(os.path.join(self.state, "egress"))) - before
        with open(os.path.join(self.state, "egress", name)) as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual({line["verdict"] for line in lines}, {"cut", "failed"})
        self.assertEqual(len(lines), 2)
        self.assertIn(3, [line["up_bytes"] for line in lines])

    def test_n11_a_thousand_connections_neither_block_the_session_nor_each_other(self):
        code = r"""
import resource, time
crowd = []
try:
    for _ in range(900): 
        s = socket.socket(); s.setblocking(False); s.connect_ex(('127.0.0.1', 3128)); crowd.append(s)
except OSError as error:
    print(error)
count = len(crowd)
for s in crowd: s.close()
time.sleep(1.5)
[count, get('http://allowed.example.net/hello')[0]]
"""
        self.assertEqual(self.value(code), [900, 200])

    def test_n13_a_secret_is_added_on_the_host_and_never_comes_back(self):
        code = r"""
answers = [get('http://api.example.net/echo'), get('http://api.example.net/trickle'),
           get('http://api.example.net/echo', headers={'Authorization': 'mine', 'Range': 'bytes=0-5', 'Accept-Encoding': 'gzip'}),
           get('http://api.example.net/echo', 'POST', b'x'), get('http://api.example.net:1/echo'), get('https://api.example.net/echo')]
print([a[0] for a in answers])
print(answers)
'***' in repr(answers)
"""
        outcome = self.outcome(code)
        self.assertEqual(outcome["value"]["text/plain"], "True")
        self.assertIn("[200, 200, 200, 200, 403, 200]", outcome["stdout"])
        sent = [dict(hit["headers"]) for hit in network.hits]
        self.assertEqual([headers.get("Authorization") for headers in sent[:4]], [SECRET] * 4)
        self.assertIsNone(sent[4].get("Authorization"))  # within the tunnel: nobody can add it there
        self.assertNotIn("Range", sent[2])
        self.assertTrue(all(hit["tls"] for hit in network.hits))
        self.assertNotIn("s3cr3t", self.all_bytes)
        for name in os.listdir(os.path.join(self.state, "egress")):
            with open(os.path.join(self.state, "egress", name)) as file:
                self.assertNotIn("s3cr3t", file.read())
        # The control: the server does send it back.
        self.assertIn(SECRET, json.dumps(network.hits))


    def test_n13_a_secret_goes_to_nobody_but_its_host_and_comes_back_in_no_encoding(self):
        code = """[get('http://impostor.example.net/echo')[0], get('http://api.example.net/packed')[0],
                    get('http://plain.example.net/echo', headers={'x-KEY': 'mine'})[0], get('http://allowed.example.net/echo')[0]]"""
        self.assertEqual(self.value(code), [502, 502, 200, 200])
        self.assertNotIn("s3cr3t", self.all_bytes)
        sent = {hit["headers"][0][1]: [value for _, value in hit["headers"] if value == SECRET] for hit in network.hits}
        self.assertEqual(sent, {"api.example.net": [SECRET], "plain.example.net": [SECRET], "allowed.example.net": []})


class DockerSmoke(Egress):
    backend = "docker"

    def test_an_allowed_host_is_reached_and_another_is_not(self):
        found = self.value("[get(u)[0] for u in ('http://allowed.example.net/hello', 'https://allowed.example.net/hello', 'http://evil.example.net/')]")
        self.assertEqual(found, [200, 200, 403])
        self.assertEqual(self.places(), {egress_net.PUBLIC})


if __name__ == "__main__":
    why_not = egress_net.enter()
    if why_not:
        print("skipped:", why_not)
        sys.exit(0)
    network = egress_net.Network()
    try:
        unittest.main()
    finally:
        network.close()
