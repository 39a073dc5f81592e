"""For `policy learn`: which files a block opens, told to the host. Only where the host asks for it.

Paths are those that Python opens; libraries in C that open files by themselves are not seen.
"""

import os
import sys

_MOST = 2000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_abspath, _exists = os.path.abspath, os.path.lexists
_fsdecode = os.fsdecode
_CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate")


class Watch:
    def __init__(self):
        self._opened = {}

    def install(self):
        sys.addaudithook(self._audit)

    def take(self):
        """[[path, is it written, times]] since the last time."""
        opened, self._opened = self._opened, {}
        # Programs look for much that is nowhere.
        return [[path, writes, count] for (path, writes), count in opened.items() if writes or _exists(path)]

    def _audit(self, event, details):
        if event == "open":
            path, _, flags = details
            self._add(path, bool(isinstance(flags, int) and flags & _WRITES))
        elif event == "os.listdir" or event == "os.scandir":
            self._add(details[0] if details[0] is not None else ".", False)
        elif event in _CHANGES:
            self._add(details[0], True)

    def _add(self, path, writes):
        if not isinstance(path, (str, bytes)):
            return  # a descriptor
        try:
            key = _abspath(_fsdecode(path)), writes
        except OSError:
            return  # relative, and there is no working directory
        if key in self._opened or len(self._opened) < _MOST:
            self._opened[key] = self._opened.get(key, 0) + 1
