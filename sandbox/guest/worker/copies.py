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
_getpid, _fork, _waitpid, _setsid, _getppid = os.getpid, os.fork, os.waitpid, os.setsid, os.getppid
_open, _close, _dup2, _fstat, _listdir = os.open, os.close, os.dup2, os.fstat, os.listdir
_nap = time.sleep
_modules = sys.modules
_WARNS = sys.version_info >= (3, 12)  # fork() does, of other threads
_O_PATH = os.O_PATH | os.O_CLOEXEC
_ASLEEP = Struct("<II")  # errno of a copy that could not be made, 1 when it can be read by others
_PR_SET_DUMPABLE, _PR_GET_TID_ADDRESS = 4, 40
# clone(2): its number, and CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD
_CLONE = {"x86_64": (56, 0x01208011), "aarch64": (220, 0x01208011)}
platform = os.uname().machine
_KEPT = {stat.S_IFREG, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFLNK, stat.S_IFBLK}



def _load_c():
    """(prctl(2), a function that forks a sibling), or (None, None) in an image without ctypes: there
    the filter and Landlock have to do."""
    before = set(_modules)
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
        return prctl, _sibling_maker(ctypes, prctl)
    except Exception:
        return None, None
    finally:
        # What the session finds in sys.modules is what it has imported.
        for name in set(_modules) - before:
            del _modules[name]


def _sibling_maker(ctypes, prctl):
    """A fork whose child is a child of our parent: of init. fork(2) twice comes to the same, and
    costs two copies of the page tables in place of one. For a process with a single thread only:
    the C library's own fork() also puts right what other threads were about."""
    if platform not in _CLONE:
        return None
    number, flags = _CLONE[platform]
    api = ctypes.pythonapi
    syscall = ctypes.PyDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    # Where the C library keeps the thread's number, which is another one in the child.
    address = ctypes.c_void_p()
    if prctl(_PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0) != 0 or not address.value:
        return None
    words = [ctypes.c_long(word) for word in (number, flags, 0, 0, address.value, 0)]
    if platform != "x86_64":
        words[4], words[5] = words[5], words[4]
    get_errno, set_errno = ctypes.get_errno, ctypes.set_errno

    def fork_sibling():
        """0 in the child."""
        api.PyOS_BeforeFork()
        set_errno(0)
        child = syscall(*words)
        if child == 0:
            api.PyOS_AfterFork_Child()
            return 0
        number = get_errno()
        api.PyOS_AfterFork_Parent()
        if child < 0:
            raise OSError(number, os.strerror(number))
        return child

    return fork_sibling


_prctl, _fork_sibling = _load_c()


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

    def make(self, control, alone):
        """Forks a copy whose control socket is `control`, which is closed here. Returns False in
        this process at once, and True in the copy when it has been woken: it is a head then.
        `alone`: this process has one thread."""
        kept = _random_state()
        original = _getpid()
        parent = None
        self.copying = True
        try:
            # It must be a child of init: os.wait() of user code must not see it.
            if alone and _fork_sibling is not None:
                parent = 0
                if _fork_sibling() != 0:
                    parent = None
            elif (child := _fork_quietly()) != 0:
                _waitpid(child, 0)
            else:
                parent = _getpid()
                if _fork_quietly() != 0:
                    _exit(0)
        except OSError as error:
            self._refuse(control, error)
            control = None
        except BaseException:
            pass
        self.copying = False
        if _getpid() == original:
            if control is not None:
                _close(control)
            return False
        if control is None or _getpid() == parent:
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
                if self.make(fds[0], True):
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
