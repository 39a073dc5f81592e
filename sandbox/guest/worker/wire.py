"""Frames between a Python process and init, as sandbox/wire/PROTOCOL.md describes them, and the
JSON in their bodies.

On this pair one SOCK_SEQPACKET packet is one frame, and `epoch`, `seq` and `ack` are 0.

Everything here keeps its own references to what it calls: user code shares this interpreter and may
replace any function of `json`, `os` or `builtins`.
"""

import _socket
import _thread
import fcntl
import os
import re
import resource
from json.decoder import JSONDecoder
from json.encoder import JSONEncoder, c_make_encoder, encode_basestring
from struct import Struct, unpack

HEADER = Struct("<IBBHIIQQ")
BLOCK = Struct("<Q")
MAGIC = 0x314E5343  # "CSN1"
MAX_BODY = 65536
MAX_MESSAGE = 16 << 20
MAX_DEPTH = 60  # of JSON; the host refuses more than 64
MORE = 1

SETUP, OPEN, EXECUTE, TOOL_RESULT, PIPES = 3, 4, 6, 8, 48
FORK, ASLEEP, WAKE, MOVED = 50, 51, 52, 53
ALONE = b"\1"  # body of FORK: the process has a single thread
READY, OPENED, DISPLAY, TOOL_CALL, RESULT = 67, 68, 70, 71, 72

_MSG_CMSG_CLOEXEC = getattr(_socket, "MSG_CMSG_CLOEXEC", 0x40000000)
_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
HIGH = max(3, (1024 if _FILES == resource.RLIM_INFINITY else min(_FILES, 1024)) - 16)
_ANCILLARY = _socket.CMSG_SPACE(4 * 8)

quote = encode_basestring  # a str as JSON text, non-ASCII characters as they are


class Closed(Exception):
    """The other end is gone, or it sent what is not a frame."""


class Channel:
    """One end of a pair. `block` is the number of the block that runs, None between blocks: what is
    sent on behalf of another one is dropped, because init would kill this process for it."""

    def __init__(self, sock, context=0):
        self.context = context
        self.block = None
        self._use(sock)
        self._buffer = bytearray(HEADER.size + MAX_BODY)
        self._buffers = [memoryview(self._buffer)]
        self._partial = {}

    def _use(self, sock):
        self.fileno = sock.fileno
        self._socket = sock
        self._send = sock.send
        self._receive = sock.recvmsg_into
        self._lock = _thread.allocate_lock()

    def move(self, sock):
        """In a copy of this process: it has a socket of its own from now on."""
        self._socket.close()
        self._use(sock)

    def receive(self):
        """Waits for a whole message: (type, context, body, fds). The fds are close-on-exec and the
        caller's. Raises Closed. Interrupted by an exception of a signal handler, it loses nothing.
        """
        while True:
            size, ancillary, _, _ = self._receive(self._buffers, _ANCILLARY, _MSG_CMSG_CLOEXEC)
            if size < HEADER.size:
                raise Closed("end of the control socket")
            magic, kind, flags, context, length = HEADER.unpack_from(self._buffer)[:5]
            if magic != MAGIC or length != size - HEADER.size:
                raise Closed("not a frame")
            fds = ()
            for level, what, data in ancillary:
                if level == _socket.SOL_SOCKET and what == _socket.SCM_RIGHTS:
                    fds = unpack("%di" % (len(data) // 4), data[: len(data) // 4 * 4])
            body = bytes(self._buffers[0][HEADER.size : size])
            if flags & MORE:
                self._partial.setdefault(kind, []).append(body)
                continue
            if kind in self._partial:
                body = b"".join(self._partial.pop(kind)) + body
            return kind, context, body, fds

    def send(self, kind, body=b""):
        """Sends a message that belongs to no block."""
        with self._lock:
            self._send_frames(kind, body)

    def send_in_block(self, kind, block, body):
        """Sends what the running block says; false when `block` is not the running one any more.

        A KeyboardInterrupt may come at any point of it. One frame is one system call, sent or not.
        Several frames are sent by a thread of their own, because signal handlers only ever run in
        the main thread: the message is whole even when its sender has stopped waiting for it."""
        if len(body) + BLOCK.size <= MAX_BODY:
            return self._send_if_running(kind, block, body)
        done = _thread.allocate_lock()
        sent = []

        def deliver():
            try:
                sent.append(self._send_if_running(kind, block, body))
            except OSError:
                pass
            finally:
                done.release()

        done.acquire()
        try:
            _thread.start_new_thread(deliver, ())
        except RuntimeError:  # the policy's limit of processes has been reached
            deliver()
        done.acquire()
        return sent == [True]

    def finish(self, block, body):
        """Sends the result of a block; nothing more is sent on its behalf."""
        with self._lock:
            self.block = None
            self._send_frames(RESULT, BLOCK.pack(block) + body)

    def abandon(self):
        """In a child that user code forked: it must never speak here."""
        self._lock = _thread.allocate_lock()
        self.block = None
        self._socket.close()

    def _send_if_running(self, kind, block, body):
        with self._lock:
            if block is None or self.block != block:
                return False
            self._send_frames(kind, BLOCK.pack(block) + body)
            return True

    def _send_frames(self, kind, body):
        if len(body) <= MAX_BODY:
            self._send(HEADER.pack(MAGIC, kind, 0, self.context, len(body), 0, 0, 0) + body)
            return
        for start in range(0, len(body), MAX_BODY):
            part = body[start : start + MAX_BODY]
            more = MORE if start + MAX_BODY < len(body) else 0
            self._send(HEADER.pack(MAGIC, kind, more, self.context, len(part), 0, 0, 0) + part)


_scan = JSONDecoder().scan_once
_surrogate = re.compile("[\ud800-\udfff]")


def decode(body):
    """The value of JSON text that init or the host wrote (it has no space around it)."""
    return _scan(str(body, "utf-8"), 0)[0]


def escape(text):
    """`text` as UTF-8; a lone surrogate, which JSON has no place for, as the six characters
    \\udcxx."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _surrogate.sub(lambda match: "\\\\u%04x" % ord(match.group()), text).encode("utf-8")


def _refuse(value):
    raise TypeError("a value of type %s is not JSON" % type(value).__name__)


def encoder(default=_refuse):
    """A function from a value to JSON as bytes. `default` turns other objects into JSON values.
    Raises TypeError or ValueError (NaN, too deep, cycles)."""
    if c_make_encoder is not None:
        chunks = c_make_encoder(None, default, quote, None, ":", ",", False, False, False)

        def encode_c(value):
            if depth(value) > MAX_DEPTH:
                raise ValueError("it is nested deeper than %d levels" % MAX_DEPTH)
            return escape("".join(chunks(value, 0)))

        return encode_c
    slow = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=default)

    def encode_slow(value):
        if depth(value) > MAX_DEPTH:
            raise ValueError("it is nested deeper than %d levels" % MAX_DEPTH)
        return escape(slow.encode(value))

    return encode_slow


def high(fd):
    """Moves a descriptor, close-on-exec, to where code that closes "all files" seldom looks."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(fd)
    return moved


def depth(value):
    """How deep lists and dictionaries nest in it; never more than MAX_DEPTH + 1."""
    level, deepest = [value], 0
    while level and deepest <= MAX_DEPTH:
        inner = {}  # by identity: what refers to itself, or twice to the same, stays finite
        for container in level:
            if isinstance(container, dict):
                items = container.values()
            elif isinstance(container, (list, tuple)):
                items = container
            else:
                continue
            for item in items:
                if isinstance(item, (dict, list, tuple)):
                    inner[id(item)] = item
        level, deepest = list(inner.values()), deepest + 1
    return deepest


encode = encoder()
