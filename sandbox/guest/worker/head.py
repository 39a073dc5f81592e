"""The process of one session: its namespace, and the loop that takes blocks from init and answers.

The zygote forks it (`start`). It ends when init closes the control socket.
"""

import _socket
import builtins
import fcntl
import gc
import os
import resource
import sys
import threading
import types
from _thread import _count as other_threads, get_ident

from _caisson import tracebacks, wire
from _caisson.capture import Streams
from _caisson.copies import Copies, hide, reseed
from _caisson.display import Display
from _caisson.execute import Executor
from _caisson.figures import Figures
from _caisson.guard import Guard
from _caisson.interrupts import Interrupts
from _caisson.tools import ToolError, Tools, module as caisson_module
from _caisson.watch import Watch

_exit = os._exit
_close = os.close
_duplicate, _F_DUPFD = fcntl.fcntl, fcntl.F_DUPFD_CLOEXEC
_GAVE_UP = wire.encode(
    {
        "status": "raised",
        "value": None,
        "error": {
            "type": "WorkerError",
            "message": "the worker could not run this block",
            "traceback": "",
        },
    }
)


def start(zygote, config, context, request, fds):
    """In the zygote: forks the head of a session twice, so that it becomes a child of init. `fds`
    are [control, stdout, stderr]; they are closed here. A head that can't start closes them too,
    which is how init learns of it."""
    try:
        child = os.fork()
        if child == 0:
            try:
                if os.fork() == 0:
                    zygote.abandon()
                    _live(config, context, request, fds)
            finally:
                _exit(0)
        os.waitpid(child, 0)
    finally:
        for fd in fds:
            os.close(fd)


def _live(config, context, request, fds):
    try:
        channel, executor, streams, tools, guard, watch, copies = _become(
            config, context, request, fds
        )
        channel.send(wire.OPENED)
        _serve(channel, executor, streams, guard, watch, tools, copies)
    except wire.Closed:
        _exit(0)
    except BaseException as error:
        os.write(
            2,
            b"the session's process could not start: %s: %s\n"
            % (type(error).__name__.encode(), str(error).encode("utf-8", "replace")),
        )
    finally:
        _exit(1)


def _become(config, context, request, fds):
    hide(False)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    kept = control, out, err, null = [wire.high(fd) for fd in list(fds) + [null]]
    os.closerange(3, min(kept))
    os.closerange(max(kept) + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65536))
    reseed()

    channel = wire.Channel(_socket.socket(fileno=control), context)
    streams = Streams(out, err, null)
    interrupts = Interrupts()
    display = Display(channel, streams, config.get("display_max_bytes", 8 << 20))
    figures = Figures(display)
    figures.install()
    tools = Tools(channel)
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.modules["caisson"] = caisson_module(tools, display)
    sys.modules.pop("_caisson", None)
    sys.argv = [""]
    sys.path.append(config.get("workspace", "/workspace"))
    sys.dont_write_bytecode = (
        True  # a module that is rewritten within a second must not come from a cache
    )
    builtins.display = display
    builtins.ToolError = ToolError
    guard = Guard(
        config.get("deny") or {}, config.get("events") or {}, config.get("guidance", "refuse")
    )
    executor = Executor(main, channel, streams, interrupts, figures, tools, guard, config)
    executor.go_home()
    executor.bind_aliases(config.get("aliases") or {})
    for tool in request.get("tools") or []:
        main.__dict__[tool["name"]] = tools.stub(
            tool["name"], tool.get("tool"), tool.get("signature"), tool.get("doc")
        )
    main.__dict__.update(request.get("seeds") or {})
    guard.install()
    watch = Watch()
    if config.get("audit"):
        watch.install()

    copies = Copies(channel, streams, executor, tools)
    main_thread = get_ident()

    def in_child():
        if copies.copying and get_ident() == main_thread:
            return
        executor.forked = True
        channel.abandon()
        tools.abandon()

    os.register_at_fork(after_in_child=in_child)
    threading.excepthook = _thread_failed(config)
    executor.warm_up()
    gc.enable()
    return channel, executor, streams, tools, guard, watch, copies


def _thread_failed(config):
    workspace = config.get("workspace", "/workspace")

    def report(details):
        """An exception that ended a thread, as a block's own would be shown."""
        if details.exc_type is SystemExit or details.exc_value is None:
            return
        description = tracebacks.describe(details.exc_value, None, workspace)
        name = details.thread.name if details.thread is not None else "?"
        sys.stderr.write("Exception in thread %s:\n%s" % (name, description["traceback"]))

    return report


class _Spare:
    """Descriptors that are held while user code runs and are free between blocks: code that has
    used up all others must not keep us from getting the pipes of the next block."""

    COUNT = 3

    def __init__(self, null):
        self._null = null
        self._fds = []

    def hold(self):
        try:
            while len(self._fds) < self.COUNT:
                self._fds.append(_duplicate(self._null, _F_DUPFD, wire.HIGH))
        except OSError:
            pass  # a thread has used them up meanwhile

    def release(self):
        while self._fds:
            try:
                _close(self._fds.pop())
            except OSError:
                pass  # user code has closed it


def _serve(channel, executor, streams, guard, watch, tools, copies):
    spare = _Spare(streams.null)
    while True:
        try:
            kind, _, body, fds = channel.receive()
        except wire.Closed:
            _exit(0)
        except OSError:
            _exit(1)  # user code has closed the socket
        except BaseException:
            continue  # from a handler that user code set for some signal; nothing was read
        if kind == wire.EXECUTE:
            block = wire.BLOCK.unpack_from(body)[0]
            spare.hold()
            try:
                result = executor.run(block, wire.decode(body[8:]))
            except BaseException:
                result = _GAVE_UP
            if executor.forked:
                _exit(0)
            spare.release()
            threads = other_threads()
            if threads > 0:
                result = result[:-1] + b',"threads":%d}' % threads
            refused = guard.take()
            if refused:
                result = result[:-1] + b',"guidance":%s}' % wire.encode(refused)
            opened = watch.take()
            if opened:
                result = result[:-1] + b',"opened":%s}' % wire.encode(opened)
            channel.finish(block, result)
            executor.remember()
        elif kind == wire.PIPES and len(fds) == 2:
            streams.attach(*fds)
        elif kind == wire.FORK and len(fds) == 1:
            copies.make(fds[0], body == wire.ALONE)
        elif kind == wire.MOVED:
            executor.move(wire.decode(body)["home"])
        elif kind == wire.TOOL_RESULT:
            tools.receive(body)
        else:
            for fd in fds:
                os.close(fd)
