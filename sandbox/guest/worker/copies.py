"""Copies of the session's process that sleep until init needs them: a checkpoint takes the place of a
head that has died, a branch becomes the head of another session.

The copy is a fork, so it has the namespace exactly as the block left it, and nothing else: no other
thread, no child process, no pipe and no socket. Those are the outside's, and a copy that kept them
open would keep their other ends from ever seeing the end.
"""

import _socket
import os
import resource
import select
import stat
import sys
import time
import warnings
from struct import Struct

from _caisson import wire

_exit = os._exit
_fork, _waitpid, _setsid, _getppid = os.fork, os.waitpid, os.setsid, os.getppid
_open, _close, _dup2, _fstat, _listdir = os.open, os.close, os.dup2, os.fstat, os.listdir
_nap = time.sleep
_modules = sys.modules
_WARNS = sys.version_info >= (3, 12)  # fork() does, of other threads
_O_PATH = os.O_PATH | os.O_CLOEXEC
_ASLEEP = Struct("<II")  # errno of a copy that could not be made, 1 when it can be read by others
_PR_SET_DUMPABLE = 4
_KEPT = {stat.S_IFREG, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFLNK, stat.S_IFBLK}



def _load_prctl():
    """prctl(2), or None in an image without ctypes: there the filter and Landlock have to do."""
    before = set(_modules)
    try:
        import ctypes

        return ctypes.CDLL(None).prctl
    except Exception:
        return None
    finally:
        # What the session finds in sys.modules is what it has imported.
        for name in set(_modules) - before:
            del _modules[name]


_prctl = _load_prctl()


def hide(yes):
    """Whether other processes of the session's user are kept from looking into this one: they are
    while it sleeps. False when it can't be done."""
    return _prctl is not None and _prctl(_PR_SET_DUMPABLE, 0 if yes else 1, 0, 0, 0) == 0


def reseed():
    """Sessions of one zygote, and branches of one session, must not draw the same numbers."""
    for name in ("random", "numpy.random"):
        module = _modules.get(name)
        if module is not None:
            try:
                module.seed()
            except Exception:
                pass  # user code has put something else there


class Copies:
    """Makes copies of this process when init asks for one."""

    def __init__(self, channel, streams, executor, tools):
        self._channel = channel
        self._streams = streams
        self._executor = executor
        self._tools = tools
        self.copying = False  # a fork now is one of ours, not the user's

    def make(self, control):
        """Forks a copy whose control socket is `control`, which is closed here. Returns False in
        this process at once, and True in the copy when it has been woken: it is a head then."""
        kept = _random_state()
        original = os.getpid()
        parent = None
        self.copying = True
        try:
            # Forked twice, so that it is a child of init: os.wait() of user code must not see it.
            child = _fork_quietly()
            if child != 0:
                _waitpid(child, 0)
            else:
                parent = os.getpid()
                if _fork_quietly() != 0:
                    _exit(0)
        except OSError as error:
            self._refuse(control, error)
            control = None
        except BaseException:
            pass
        self.copying = False
        if os.getpid() == original:
            if control is not None:
                _close(control)
            return False
        if control is None or os.getpid() == parent:
            _exit(1)
        try:
            self._become_copy(control, parent, kept)
            self._sleep()
        except BaseException:
            _exit(1)
        return True

    def _refuse(self, control, error):
        sock = _socket.socket(fileno=control)
        try:
            body = _ASLEEP.pack(error.errno or 0, 0)
            wire.Channel(sock, self._channel.context).send(wire.ASLEEP, body)
        except OSError:
            pass
        sock.close()

    def _become_copy(self, control, parent, kept):
        _setsid()
        self._channel.move(_socket.socket(fileno=wire.high(control)))
        _drop_connections(self._channel.fileno())
        self._tools.abandon()
        self._executor.forget_loop()
        if kept is not None:
            _modules["random"].setstate(kept)
        readable = not hide(True)
        while _getppid() == parent:
            _nap(0.0001)
        self._channel.send(wire.ASLEEP, _ASLEEP.pack(0, readable))

    def _sleep(self):
        while True:
            kind, context, body, fds = self._channel.receive()
            if kind == wire.FORK and len(fds) == 1:
                if self.make(fds[0]):
                    return  # in a copy of this copy
            elif kind == wire.WAKE and len(fds) == 2:
                return self._wake(context, wire.decode(body), fds)
            else:
                raise wire.Closed("a copy that sleeps was sent %d" % kind)

    def _wake(self, context, request, fds):
        hide(False)
        self._channel.context = context
        self._streams.attach(*fds)
        home = request.get("home")
        if home is not None:
            reseed()
            self._executor.move(home)
        self._channel.send(wire.OPENED)


def _fork_quietly():
    if not _WARNS:
        return _fork()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _fork()


def _random_state():
    """Of the module `random`, which seeds itself anew in every fork."""
    try:
        return _modules["random"].getstate()
    except Exception:
        return None


def _drop_connections(control):
    """Pipes, sockets and the like become descriptors that are open and good for nothing: an object
    of user code that still has the number must not meet another file there."""
    dead = _open("/", _O_PATH)
    for fd in _open_descriptors():
        if fd < 3 or fd == control or fd == dead:
            continue
        try:
            if stat.S_IFMT(_fstat(fd).st_mode) not in _KEPT:
                _dup2(dead, fd, False)
        except OSError:
            pass
    _close(dead)


def _open_descriptors():
    try:
        return [int(name) for name in _listdir("/proc/self/fd")]
    except OSError:
        pass  # Landlock hides it
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    every = range(min(limit, 65536))
    poll = select.poll()
    for fd in every:
        poll.register(fd, 0)
    closed = {fd for fd, event in poll.poll(0) if event & select.POLLNVAL}
    return [fd for fd in every if fd not in closed]
