"""sys.stdout and sys.stderr of a session, and an empty sys.stdin.

What a block prints goes to file descriptors 1 and 2, pipes that init makes anew for each block, so
that C code and child processes are captured alike. Here are the Python objects above them:

- between blocks they are shut: what arrives is dropped, it belongs to nobody;
- a thread that was alive when its block ended is known by that block, and what it prints later is
  dropped: init has closed that block's pipe. Threads are recognised by their `threading.Thread`, so
  code that bypasses it (`_thread`, threads of C libraries, writes to `sys.stdout.buffer` or to the
  descriptor itself) writes into the pipe of whichever block is running.
"""

import io
import os
import sys
import threading
from _thread import get_ident

_dup2 = os.dup2
_close = os.close
_write = os.write
_modules = sys.modules
_threads = threading._active  # ident -> Thread; what threading.enumerate() lists, without its lock
_write_text = io.TextIOWrapper.write


class _Raw(io.RawIOBase):
    """A descriptor that is shut between blocks. Closing it leaves the descriptor open."""

    mode = "wb"

    def __init__(self, streams, fd, name):
        self._streams = streams
        self._fd = fd
        self.name = name

    def fileno(self):
        return self._fd

    def writable(self):
        return True

    def write(self, data):
        if self._streams.block is None:
            return len(data)
        try:
            return _write(self._fd, data)
        except BrokenPipeError:
            return len(data)  # init has stopped listening to this block


class _Text(io.TextIOWrapper):
    def __init__(self, streams, fd, name):
        super().__init__(io.BufferedWriter(_Raw(streams, fd, name)), encoding="utf-8",
                         errors="backslashreplace", line_buffering=True)
        self._streams = streams
        self.mode = "w"

    def write(self, text):
        streams = self._streams
        if get_ident() != streams.main_thread and streams.foreign():
            return len(text)
        return _write_text(self, text)


class Streams:
    def __init__(self, out_fd, err_fd):
        """Takes both descriptors: they become 1 and 2, and stay open elsewhere for the case that
        user code closes those."""
        self.block = None
        self.main_thread = get_ident()
        self._kept = ()
        self._fresh = False
        self.attach(out_fd, err_fd)
        self._out = _Text(self, 1, "<stdout>")
        self._err = _Text(self, 2, "<stderr>")
        self._in = io.open(0, closefd=False)
        sys.stdin = sys.__stdin__ = self._in
        sys.stdout = sys.__stdout__ = self._out
        sys.stderr = sys.__stderr__ = self._err

    def attach(self, out_fd, err_fd):
        """The pipes of the next block. What is still buffered is dropped."""
        if self._kept:
            self._flush()
        _dup2(out_fd, 1)
        _dup2(err_fd, 2)
        for fd in self._kept:
            try:
                _close(fd)
            except OSError:
                pass  # user code closed it
        self._kept = (out_fd, err_fd)
        self._fresh = True

    def start(self, block):
        """Opens them for a block, whatever the block before did to them."""
        if not self._fresh:
            for fd, kept in zip((1, 2), self._kept):
                try:
                    _dup2(kept, fd)
                except OSError:
                    pass  # user code closed that one too: this block has no such stream
        self._fresh = False
        if not _usable(self._out):
            self._out = _Text(self, 1, "<stdout>")
        if not _usable(self._err):
            self._err = _Text(self, 2, "<stderr>")
        if self._in.closed:  # exit() does so
            self._in = io.open(0, closefd=False)
        sys.stdin = self._in
        sys.stdout = self._out
        sys.stderr = self._err
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
        block, self.block = self.block, None
        if len(_threads) > 1:
            for thread in list(_threads.values()):
                thread.__dict__.setdefault("_caisson_block", block)

    def foreign(self):
        """Whether the calling thread was started by a block that has ended."""
        if self.block is None:
            return True
        thread = _threads.get(get_ident())
        started_in = None if thread is None else thread.__dict__.get("_caisson_block")
        return started_in is not None and started_in != self.block

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
    except (OSError, AttributeError):
        pass
