"""SIGINT, which init sends to stop a block, becomes KeyboardInterrupt while user code runs and nothing
at any other time.

A mask would not do: Python's C handler notes the signal in whichever thread gets it, and raises in
the main thread later. So the handler itself decides, by a flag, and by what it interrupted: in the
worker's own frames around a block (`edges`) it raises at most once, so that one handler there is
enough to end in an orderly way.
"""

import _signal

_SIGINT = _signal.SIGINT
_get = _signal.getsignal
_set = _signal.signal
_mask = _signal.pthread_sigmask
_SETMASK = _signal.SIG_SETMASK


class Interrupts:
    def __init__(self):
        self.armed = False
        self._edges = ()
        self._handler = self._raise  # one bound method, so that it can be recognised
        _set(_SIGINT, self._handler)
        _mask(_SETMASK, ())

    def watch_edges(self, *functions):
        self._edges = tuple(function.__code__ for function in functions)

    def restore(self):
        """After a block, which may have installed a handler of its own or blocked signals."""
        if _get(_SIGINT) is not self._handler:
            _set(_SIGINT, self._handler)
        _mask(_SETMASK, ())

    def _raise(self, number, frame):
        if not self.armed:
            return
        if frame is not None and frame.f_code in self._edges:
            self.armed = False
        raise KeyboardInterrupt
