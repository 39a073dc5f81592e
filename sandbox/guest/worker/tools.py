"""Functions that the host runs: a call goes out as `tool_call`, and its caller waits for the
`tool_result`, in the main thread or any other, until an interrupt or the end of the block.

Messages for this process arrive at one socket that has one reader at a time: the main thread itself
while it waits for its own call, else a thread that lives as long as the call. Between blocks it is
the loop in head.py, so the end of a block ends all calls.
"""

import itertools
import os
import select
import types
from _thread import allocate_lock, get_ident, start_new_thread

from _caisson import wire

_exit = os._exit
_read = os.read
_write = os.write


class ToolError(Exception):
    """A host tool failed, or refused the call; the message says why."""


ToolError.__module__ = "caisson"


class _Call:
    def __init__(self):
        self.reply = None
        self.arrived = allocate_lock()
        self.arrived.acquire()

    def answer(self, reply):
        if self.reply is None:
            self.reply = reply
            self.arrived.release()


class Tools:
    def __init__(self, channel):
        self._channel = channel
        self._encode = wire.encoder(_plain)
        self._numbers = itertools.count(1)
        self._calls = {}  # id -> _Call
        self._main_thread = get_ident()
        self._reading = allocate_lock()
        self._helpers = []  # a lock for each thread that reads or is about to; free: it has gone
        self._open = False  # a block runs: helpers may start
        self._lock = allocate_lock()  # guards these two
        self._wake = None  # a pipe; readable: the block has ended

    def call(self, name, *args, **kwargs):
        """Has the host run the tool `name`, and returns its value. Raises ToolError."""
        return self.request(name, args, kwargs)

    def request(self, name, args, kwargs):
        number = next(self._numbers)
        try:
            body = self._encode({"id": number, "name": name, "args": args, "kwargs": kwargs})
        except (TypeError, ValueError) as failure:
            reason = str(failure)
            body = None
        if body is None:
            raise TypeError("%s: the arguments can't be sent to the host: %s" % (name, reason))
        if len(body) > wire.MAX_MESSAGE - 64:
            raise TypeError(
                "%s: the arguments have %d bytes, more than a message may (%d)"
                % (name, len(body), wire.MAX_MESSAGE)
            )
        call = self._calls[number] = _Call()
        try:
            if not self._channel.send_in_block(wire.TOOL_CALL, self._channel.block, body):
                raise ToolError(
                    "%s can't be called here: only the session's own process may, while "
                    "a block runs" % name
                )
            self._wait(call)
        finally:
            self._calls.pop(number, None)
        reply = call.reply
        if "error" in reply:
            raise ToolError(str(reply["error"]))
        return reply.get("value")

    def receive(self, body):
        """A tool_result; of a call that nobody waits for any more it is dropped."""
        reply = wire.decode(body)
        call = self._calls.get(reply.get("id"))
        if call is not None:
            call.answer(reply)

    def start_block(self):
        self._open = True

    def end_block(self):
        """Fails the calls that other threads still wait for. No thread reads the channel after it."""
        with self._lock:
            self._open = False
            helpers, self._helpers = self._helpers, []
        for call in list(self._calls.values()):
            call.answer({"error": "the block that made this call has ended"})
        if helpers:
            _write(self._wake[1], b"x")
            for helper in helpers:
                helper.acquire()
            _read(self._wake[0], 1)

    def abandon(self):
        """In a forked child, which has no other thread and must not use the pipe of its parent."""
        self._calls.clear()
        self._helpers = []
        self._wake = None
        self._lock = allocate_lock()

    def _wait(self, call):
        if get_ident() == self._main_thread and not self._reading.locked():
            with self._reading:
                while call.reply is None:
                    self._take(self._channel.receive())
            return
        try:
            start_new_thread(self._help, (call,))
        except RuntimeError:  # the policy's limit of processes has been reached
            self._help(call)
        call.arrived.acquire()

    def _help(self, call):
        gone = allocate_lock()
        with self._lock:
            if not self._open:
                return
            if self._wake is None:
                self._wake = tuple(wire.high(fd) for fd in os.pipe())
            gone.acquire()
            self._helpers.append(gone)
        try:
            with self._reading:
                poll = select.poll()
                poll.register(self._channel.fileno(), select.POLLIN)
                poll.register(self._wake[0], select.POLLIN)
                while call.reply is None:
                    if any(fd == self._wake[0] for fd, _ in poll.poll()):
                        return
                    self._take(self._channel.receive())
        except wire.Closed:
            _exit(0)
        finally:
            gone.release()
            with self._lock:
                if gone in self._helpers:
                    self._helpers.remove(gone)

    def _take(self, message):
        kind, _, body, _ = message
        if kind == wire.TOOL_RESULT:
            self.receive(body)

    def stub(self, name, tool=None, signature=None, doc=None):
        """A function of that name that calls the host's `tool`. `signature` is the text between
        `def name` and the colon; without it the stub takes anything and the host alone checks."""
        tool = tool or name

        def function(*args, **kwargs):
            if shape is not None:
                shape.bind(*args, **kwargs)  # a wrong call is a TypeError here, not a message there
            return self.request(tool, args, kwargs)

        shape = _shape(signature)
        if shape is not None:
            function.__signature__ = shape
        function.__name__ = function.__qualname__ = name
        function.__module__ = "__main__"
        function.__doc__ = doc
        return function


def module(tools, display):
    """`caisson`, what user code can import of us."""
    result = types.ModuleType("caisson", "The session's side of Caisson.")
    result.ToolError = ToolError
    result.call_tool = tools.call
    result.display = display
    return result


def _shape(signature):
    if not signature:
        return None
    import inspect

    names = {}
    try:
        exec("from __future__ import annotations\ndef stub%s: pass" % signature, names)
    except SyntaxError:
        return None
    return inspect.signature(names["stub"])


def _plain(value):
    """What JSON has no word for, as something near."""
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    for method in (
        "tolist",
        "isoformat",
    ):  # numpy arrays and scalars, pandas columns; dates and times
        convert = getattr(type(value), method, None)
        if convert is not None:
            return convert(value)
    raise TypeError("a value of type %s is not JSON" % type(value).__name__)
