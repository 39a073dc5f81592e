"""Signals reach user code only while a block runs. SIGINT, which init sends to stop a block,
becomes KeyboardInterrupt then and nothing at any other time, and handlers that user code installs
are called then and at no other time.

A mask would not do: Python's C handler notes a signal in whichever thread gets it, and calls the
Python handler in the main thread later. So the handler itself decides, by a flag, and by what it
interrupted: in the worker's own frames around a block (`edges`) one signal is let through at most,
so that one `except` there is enough to end in an orderly way.
"""

import _signal

_SIGINT = _signal.SIGINT
_default = _signal.default_int_handler
_get = _signal.getsignal
_set = _signal.signal
_mask = _signal.pthread_sigmask
_SETMASK = _signal.SIG_SETMASK


class Interrupts:
    def __init__(self):
        self.armed = False
        self._edges = ()
        self._handlers = {_SIGINT: _default}
        self._dispatcher = self._dispatch  # one bound method, so that it can be recognised
        _set(_SIGINT, self._dispatcher)
        _mask(_SETMASK, ())
        # The functions of the module `signal` call these.
        _signal.signal = self._install
        _signal.getsignal = self._installed

    def watch_edges(self, *functions):
        self._edges = tuple(function.__code__ for function in functions)

    def restore(self):
        """After a block, which may have installed a handler for SIGINT or blocked signals."""
        self._handlers[_SIGINT] = _default
        if _get(_SIGINT) is not self._dispatcher:
            _set(_SIGINT, self._dispatcher)
        _mask(_SETMASK, ())

    def _dispatch(self, number, frame):
        if not self.armed:
            return
        if frame is not None and frame.f_code in self._edges:
            self.armed = False
        handler = self._handlers.get(number)
        if handler is not None:
            handler(number, frame)

    def _install(self, number, handler):
        """signal.signal()"""
        if not callable(handler):
            return self._shown(number, _set(number, handler))
        before = self._shown(number, _set(number, self._dispatcher))
        self._handlers[int(number)] = handler
        return before

    def _installed(self, number):
        """signal.getsignal()"""
        return self._shown(number, _get(number))

    def _shown(self, number, handler):
        return self._handlers[int(number)] if handler is self._dispatcher else handler
