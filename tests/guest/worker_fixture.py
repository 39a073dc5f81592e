"""A stand-in for init: starts the real main.py, opens sessions and runs blocks over the real
frames.

The tests of the worker import this; none of it is shipped.
"""

import collections
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAIN = os.path.join(ROOT, "sandbox", "guest", "worker", "main.py")
HEADER = struct.Struct("<IBBHIIQQ")
MAGIC = 0x314E5343
SETUP, OPEN, EXECUTE, TOOL_RESULT, PIPES = 3, 4, 6, 8, 48
READY, OPENED, DISPLAY, TOOL_CALL, RESULT = 67, 68, 70, 71, 72
PATIENCE = 20  # seconds; only a broken worker needs them

Outcome = collections.namedtuple(
    "Outcome", "status text value error loaded out err displays calls report guidance failed"
)


class Link:
    """init's end of a pair."""

    def __init__(self, sock):
        self.sock = sock
        self.partial = {}

    def send(self, kind, body=b"", context=0, fds=()):
        rights = (
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("%di" % len(fds), *fds))]
            if fds
            else []
        )
        for start in range(0, len(body) or 1, 65536):
            part = body[start : start + 65536]
            more = 1 if start + 65536 < len(body) else 0
            self.sock.sendmsg(
                [HEADER.pack(MAGIC, kind, more, context, len(part), 0, 0, 0) + part], rights
            )

    def receive(self):
        """(type, context, body) of the next whole message, or None at the end."""
        while True:
            ready, _, _ = select.select([self.sock], [], [], PATIENCE)
            if not ready:
                raise AssertionError("the worker said nothing for %d s" % PATIENCE)
            packet = self.sock.recv(HEADER.size + 65536)
            if not packet:
                return None
            magic, kind, flags, context, length, epoch, seq, ack = HEADER.unpack_from(packet)
            assert (magic, length, epoch, seq, ack) == (MAGIC, len(packet) - HEADER.size, 0, 0, 0)
            body = self.partial.pop(kind, b"") + packet[HEADER.size :]
            if flags & 1:
                self.partial[kind] = body
                continue
            return kind, context, body


class Zygote:
    def __init__(self, python=sys.executable, stderr=None, **config):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs_fd = theirs.fileno()
        high = os.dup(theirs_fd) if theirs_fd == 3 else theirs_fd
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        if stderr is not None:
            actions.append((os.POSIX_SPAWN_DUP2, stderr, 2))
        actions.append((os.POSIX_SPAWN_DUP2, high, 3))
        self.pid = os.posix_spawn(
            python, [python, "-I", "-X", "utf8", MAIN], os.environ, file_actions=actions
        )
        theirs.close()
        if high != theirs_fd:
            os.close(high)
        self.link = Link(ours)
        config.setdefault("workspace", os.getcwd())
        self.link.send(SETUP, json.dumps(config).encode())
        kind, _, body = self.link.receive()
        assert kind == READY, kind
        self.ready = json.loads(body)
        self.contexts = 0

    def open(self, **request):
        self.contexts += 1
        return Session(self.link, self.contexts, request)

    def close(self):
        self.link.sock.close()
        return os.waitpid(self.pid, 0)[1]


class Session:
    def __init__(self, zygote, context, request):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        out = os.open(os.devnull, os.O_WRONLY)
        request.setdefault("seeds", {})
        zygote.send(OPEN, json.dumps(request).encode(), context, (theirs.fileno(), out, out))
        theirs.close()
        os.close(out)
        self.link = Link(ours)
        self.context = context
        self.block = 0
        kind, came, body = self.link.receive()
        assert (kind, came, body) == (OPENED, context, b"")
        peer = ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.creator = struct.unpack("3i", peer)[0]

    def start(self, code, pipes=True, **request):
        """Sends a block; its pipes, unless this is a test of what happens without."""
        self.block += 1
        self.pipes = ()
        if pipes:
            (out, out_end), (err, err_end) = os.pipe(), os.pipe()
            self.link.send(PIPES, b"", self.context, (out_end, err_end))
            os.close(out_end)
            os.close(err_end)
            os.set_blocking(out, False)
            os.set_blocking(err, False)
            self.pipes = (out, err)
        request["code"] = code
        self.link.send(
            EXECUTE, struct.pack("<Q", self.block) + json.dumps(request).encode(), self.context
        )

    def finish(self, tools=None, on_output=None):
        """Waits for the result as init does: passes on what comes, then empties the pipes."""
        text = {fd: b"" for fd in self.pipes}
        displays, calls, result = [], [], None
        ends = time.monotonic() + PATIENCE
        while result is None:
            waiting = [self.link.sock] + [fd for fd in text if text[fd] is not None]
            ready, _, _ = select.select(waiting, [], [], max(0, ends - time.monotonic()))
            if not ready:
                raise AssertionError("block %d did not end in %d s" % (self.block, PATIENCE))
            for fd in self.pipes:
                if fd in ready:
                    text[fd] += drain(fd)
                    if on_output:
                        on_output(text[fd])
            if self.link.sock not in ready:
                continue
            message = self.link.receive()
            if message is None:
                raise EOFError("the session's process is gone")
            kind, context, body = message
            block = struct.unpack_from("<Q", body)[0]
            assert (context, block) == (self.context, self.block), (kind, context, block)
            document = json.loads(body[8:].decode("utf-8"))
            if kind == DISPLAY:
                displays.append(document)
            elif kind == TOOL_CALL:
                calls.append(document)
                if tools:
                    self.answer(document["id"], tools(document))
            else:
                assert kind == RESULT, kind
                result = document
        for fd in self.pipes:
            text[fd] += drain(fd)
        for fd in self.pipes:
            os.close(fd)
        out, err = [text[fd].decode("utf-8") for fd in self.pipes] or ["", ""]
        value = result["value"]
        return Outcome(
            result["status"],
            value and value["text/plain"],
            value,
            result["error"],
            result.get("loaded"),
            out,
            err,
            displays,
            calls,
            result.get("names") or result.get("save") or result.get("restore"),
            result.get("guidance"),
            result.get("failed"),
        )

    def answer(self, number, reply):
        reply["id"] = number
        self.link.send(TOOL_RESULT, json.dumps(reply).encode(), self.context)

    def run(self, code, tools=None, on_output=None, **request):
        self.start(code, **request)
        return self.finish(tools, on_output)

    def pid(self):
        return int(self.run("__import__('os').getpid()").text)

    def interrupt(self, pid):
        os.kill(pid, signal.SIGINT)

    def close(self):
        self.link.sock.close()


def drain(fd):
    parts = []
    while True:
        try:
            part = os.read(fd, 1 << 16)
        except BlockingIOError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def has_module(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False


class Case(unittest.TestCase):
    """Tests with a zygote per class and a session per test."""

    config = {}

    @classmethod
    def setUpClass(cls):
        cls.workspace = tempfile.mkdtemp(prefix="caisson-worker-")
        cls.zygote = Zygote(**dict({"workspace": cls.workspace}, **cls.config))

    @classmethod
    def tearDownClass(cls):
        cls.zygote.close()
        shutil.rmtree(cls.workspace)

    def setUp(self):
        self.session = self.open()

    def open(self, **request):
        session = self.zygote.open(**request)
        self.addCleanup(session.close)
        return session

    def run_ok(self, code, **request):
        outcome = self.session.run(code, **request)
        if outcome.status != "ok":
            self.fail("%r ended %s: %s" % (code, outcome.status, outcome.error))
        return outcome

    def value(self, code, **request):
        """text/plain of a block that ends well."""
        return self.run_ok(code, **request).text

    def report(self, **request):
        """What a request without code says: names=True, save={…} or restore={…}."""
        return self.run_ok("", **request).report

    def error(self, code, **request):
        outcome = self.session.run(code, **request)
        self.assertEqual(outcome.status, "raised", outcome)
        self.assertIsNone(outcome.value)
        return outcome.error


class States(Case):
    """Tests that save the names of a session and restore them in another."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.workspace, self.id().rpartition(".")[2] + ".state")

    def save(self, names=None, **more):
        return self.report(save=dict({"path": self.path, "names": names}, **more))

    def restore(self, **session):
        """In a new session."""
        self.session = self.open(**session)
        return self.report(restore={"path": self.path})

    def reasons(self, report, key="failed"):
        return {each["name"]: each["reason"] for each in report[key]}

    def moved(self, code, **session):
        """Runs a block, saves, and restores all of it."""
        self.run_ok(code)
        saved = self.save()
        self.assertEqual(saved["failed"], [])
        restored = self.restore(**session)
        self.assertEqual((restored["failed"], restored["skipped"]), ([], []))
        self.assertEqual(sorted(restored["restored"]), sorted(saved["saved"]))
        return restored
