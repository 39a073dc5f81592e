"""sys.stdout and sys.stderr of a session, and an empty sys.stdin.

What a block prints goes to file descriptors 1 and 2, pipes that init makes anew for each block, so
that C code and child processes are captured alike. Between blocks both are /dev/null: what arrives
then belongs to nobody.

A thread that was alive when its block ended is known by that block, and what it prints later is
dropped: init has closed that block's pipe. Threads are recognised by their `threading.Thread`, those
of `_thread` by their number. A thread that writes to the descriptor itself (`os.write(1, ...)`, C
code) writes into the pipe of whichever block is running: the kernel has one table of descriptors
for all threads of a process.
"""

import io
import os
import sys
import threading
from _thread import get_ident

_dup2 = os.dup2
_close = os.close
_modules = sys.modules
_threads = threading._active  # ident -> Thread; what threading.enumerate() lists, without its lock
_frames = sys._current_frames
_write_text = io.TextIOWrapper.write
_write_bytes = io.BufferedWriter.write
_NOBODY = frozenset()


class _Bytes(io.BufferedWriter):
    def __init__(self, streams, raw):
        super().__init__(raw)
        self._streams = streams

    def write(self, data):
        streams = self._streams
        if get_ident() != streams.main_thread and streams.foreign():
            return memoryview(data).nbytes
        return _write_bytes(self, data)


class _Text(io.TextIOWrapper):
    def __init__(self, streams, fd, name):
        raw = io.FileIO(fd, "wb", closefd=False)
        raw.name = name
        super().__init__(
            _Bytes(streams, raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
        self._streams = streams
        self.mode = "w"

    def write(self, text):
        streams = self._streams
        if get_ident() != streams.main_thread and streams.foreign():
            return len(text)
        return _write_text(self, text)


class Streams:
    def __init__(self, out_fd, err_fd, null_fd):
        """Keeps the descriptors: 1 and 2 become copies of them, block by block, because user code
        may close those."""
        self.block = None
        self.main_thread = get_ident()
        self._earlier = _NOBODY  # numbers of the threads that were there when a block ended
        self._pipes = (out_fd, err_fd)
        self.null = null_fd
        self._redirect(null_fd, null_fd)
        self._in = io.open(0, closefd=False)
        self._out = _Text(self, 1, "<stdout>")
        self._err = _Text(self, 2, "<stderr>")
        self._install()

    def attach(self, out_fd, err_fd):
        """The pipes of the next block. They go where the ones before were, not where they arrived:
        if user code has closed those, a number may be a file of its own by now."""
        for fd, kept in zip((out_fd, err_fd), self._pipes):
            if fd != kept:
                _dup2(fd, kept, False)
                _close(fd)

    def start(self, block):
        """Opens them for a block, whatever the block before did to them."""
        self._flush()  # what a thread has written meanwhile, to /dev/null
        self._redirect(*self._pipes)
        if not _usable(self._out):
            self._out = _Text(self, 1, "<stdout>")
        if not _usable(self._err):
            self._err = _Text(self, 2, "<stderr>")
        if self._in.closed:  # exit() does so
            self._in = io.open(0, closefd=False)
        self._install()
        if self._earlier:
            self._earlier &= frozenset(_frames())  # a number that is free can be a new thread's
        self.block = block

    def finish(self):
        """Everything that the block printed is in its pipes when this returns."""
        replaced = sys.stdout
        if replaced is not self._out:
            try:
                replaced.flush()
            except Exception:
                pass  # whatever user code has put there
        self._flush()
        ctypes = _modules.get("ctypes")
        if ctypes is not None:
            _flush_c(ctypes)
        self._redirect(self.null, self.null)
        block, self.block = self.block, None
        alive = _frames()
        self._earlier = frozenset(alive) if len(alive) > 1 else _NOBODY
        if len(_threads) > 1:
            for thread in list(_threads.values()):
                thread.__dict__.setdefault("_caisson_block", block)

    def foreign(self):
        """Whether the calling thread was started by a block that has ended."""
        if self.block is None:
            return True
        ident = get_ident()
        thread = _threads.get(ident)
        if thread is None:
            # When it ends in this block, a new one of `_thread` may get its number, and is not heard.
            return ident in self._earlier
        started_in = thread.__dict__.get("_caisson_block")
        return started_in is not None and started_in != self.block

    def _install(self):
        sys.stdin = sys.__stdin__ = self._in
        sys.stdout = sys.__stdout__ = self._out
        sys.stderr = sys.__stderr__ = self._err

    def _redirect(self, out_fd, err_fd):
        try:
            _dup2(out_fd, 1)
            _dup2(err_fd, 2)
            _dup2(self.null, 0)
        except OSError:
            pass  # user code has closed what we kept: there is nowhere to write to

    def _flush(self):
        for stream in (self._out, self._err):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass  # closed or detached by user code; start() makes another one


def _usable(stream):
    try:
        return not stream.closed
    except ValueError:
        return False  # detached


_fflush = None


def _flush_c(ctypes):
    """C's own stdout buffer. Only code that has loaded ctypes (as numpy does) is likely to fill it,
    and only ctypes can reach it."""
    global _fflush
    try:
        if _fflush is None:
            _fflush = ctypes.CDLL(None).fflush
        _fflush(None)
    except Exception:
        pass  # whatever user code has done to the module
