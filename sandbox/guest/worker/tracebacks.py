"""What a person reads of an exception: frames of their own code, `<block 3>` for a file name, paths
of libraries relative to where libraries live, nothing of the worker and nothing of the image."""

import builtins
import linecache
import os
import sys
import types
from traceback import StackSummary, TracebackException

WORKER = "<caisson>"  # file names of the worker's own code begin so (main.py)
_HEAD, _TAIL = 6, 14  # frames that are kept of a long traceback
_MAX_CHAIN = 10
_MAX_MESSAGE = 16 << 10  # characters
_MAX_TEXT = 64 << 10
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + "/"
_PACKAGES = ("/site-packages/", "/dist-packages/")


class Sources:
    """The text of blocks, for tracebacks, `inspect` and `warnings`. The newest blocks are kept, up
    to `limit` characters."""

    def __init__(self, limit=8 << 20):
        self._limit = limit
        self._total = 0
        self._entries = {}

    def add(self, filename, source):
        """`filename` may come again: the newer text counts."""
        old = self._entries.pop(filename, None)
        if old is not None:
            self._total -= old[0]
        # Without a modification time linecache never looks for a file of that name.
        lines = source.splitlines(True)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"  # Python 3.11 puts carets one column off without it
        entry = (len(source), None, lines, filename)
        self._entries[filename] = linecache.cache[filename] = entry
        self._total += len(source)
        while self._total > self._limit and len(self._entries) > 1:
            oldest = next(iter(self._entries))
            self._total -= self._entries.pop(oldest)[0]
            linecache.cache.pop(oldest, None)

    def text(self, filename):
        """None when it is not kept."""
        entry = self._entries.get(filename)
        return None if entry is None else "".join(entry[2])

    def clear(self):
        for filename in self._entries:
            linecache.cache.pop(filename, None)
        self._entries.clear()
        self._total = 0

    def newest_first(self):
        return list(self._entries)[::-1]

    def restore(self):
        """User code may have cleared linecache."""
        for filename, entry in self._entries.items():
            linecache.cache.setdefault(filename, entry)


class _Stack(StackSummary):
    """A stack from whose middle frames have been left out."""

    def format(self, **options):
        before, after = _part(self[: self.at]), _part(self[self.at :])
        note = "  … %d frames in between are not shown …\n" % self.left_out
        return before.format(**options) + [note] + after.format(**options)


def _part(frames):
    stack = StackSummary()
    stack.extend(frames)
    return stack


def describe(error, sources, workspace):
    """{"type", "message", "traceback"} of an exception. Runs user code (`__str__`), so it may raise
    anything; `bare` is what to say then."""
    if sources is not None:
        sources.restore()
    left_out = {}
    for exception in _related(error):
        _shorten(exception, left_out)
    cut = _cut_chain(error)
    try:
        report = TracebackException(type(error), error, error.__traceback__)
        _tidy(report, error, left_out, workspace)
    finally:
        for exception, links in cut:
            exception.__cause__, exception.__context__, exception.__suppress_context__ = links
    if error.__traceback__ is None and not (error.__cause__ or error.__context__):
        text = "".join(
            report.format_exception_only()
        )  # a SyntaxError of the block: there is no stack
    else:
        text = "".join(report.format())
    message = _message(error)
    path = getattr(error, "path", None) if isinstance(error, ImportError) else None
    if isinstance(path, str):
        message = message.replace(path, shown(path, workspace))
        text = text.replace(path, shown(path, workspace))
    return {
        "type": type(error).__name__,
        "message": _cut(message, _MAX_MESSAGE),
        "traceback": _cut(text, _MAX_TEXT),
    }


def bare(error, reason):
    """The same when nothing of the exception can be asked."""
    name = type(error).__name__
    return {"type": name, "message": "", "traceback": "%s (%s)\n" % (name, reason)}


def shown(filename, workspace):
    """A file name as a traceback shows it."""
    if filename.startswith("<"):
        return filename
    for mark in _PACKAGES:
        if mark in filename:
            return filename.rpartition(mark)[2]
    for root in [workspace.rstrip("/") + "/", _STDLIB]:
        if len(root) > 1 and filename.startswith(root):
            return filename[len(root) :]
    for root in sys.path:
        if isinstance(root, str) and root and filename.startswith(root.rstrip("/") + "/"):
            return filename[len(root.rstrip("/")) + 1 :]
    return os.path.basename(filename)


def _message(error):
    try:
        return str(error)
    except Exception as failure:
        return "<str() of this %s failed: %s>" % (type(error).__name__, type(failure).__name__)


def _cut(text, limit):
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    note = "\n… %d characters are left out …\n" % (len(text) - head - tail)
    return text[:head] + note + text[-tail:]


def _related(error):
    """The exception and those that it came from or consists of, each once."""
    found, todo = {}, [error]
    while todo and len(found) < 1000:
        exception = todo.pop()
        if exception is None or id(exception) in found:
            continue
        found[id(exception)] = exception
        todo += [exception.__cause__, exception.__context__]
        todo += getattr(exception, "exceptions", ()) if _is_group(exception) else ()
    return found.values()


def _cut_chain(error):
    """Ends a chain of causes that is very long: loops that raise from each other make thousands,
    and TracebackException recurses before Python 3.10. What to put back: [(exception, links)]."""
    cut, seen, level = [], set(), [error]
    for depth in range(_MAX_CHAIN + 1):
        inner = []
        for exception in level:
            if exception is None or id(exception) in seen:
                continue
            seen.add(id(exception))
            if depth == _MAX_CHAIN:
                links = exception.__cause__, exception.__context__, exception.__suppress_context__
                cut.append((exception, links))
                exception.__cause__ = exception.__context__ = None
            inner += [exception.__cause__, exception.__context__]
        level = inner
    return cut


def _is_group(exception):
    group = getattr(builtins, "BaseExceptionGroup", None)  # Python 3.11
    return group is not None and isinstance(exception, group)


def _shorten(exception, left_out):
    """Takes the worker's frames out of its traceback, and the middle of what is very long."""
    frames = []
    entry = exception.__traceback__
    while entry is not None:
        if not entry.tb_frame.f_code.co_filename.startswith(WORKER):
            frames.append(entry)
        entry = entry.tb_next
    if len(frames) > 2 * (_HEAD + _TAIL):
        left_out[id(exception)] = len(frames) - _HEAD - _TAIL
        frames = frames[:_HEAD] + frames[-_TAIL:]
    chain = None
    for entry in reversed(frames):
        chain = types.TracebackType(chain, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    exception.__traceback__ = chain


def _tidy(report, exception, left_out, workspace):
    for frame in report.stack:
        frame.line  # reads the source by the real name, before that goes
        frame.filename = shown(frame.filename, workspace)
    if isinstance(getattr(report, "filename", None), str):
        report.filename = shown(report.filename, workspace)
    if id(exception) in left_out:
        stack = _Stack()
        stack.extend(report.stack)
        stack.at, stack.left_out = _HEAD, left_out[id(exception)]
        report.stack = stack
    for link in ("__cause__", "__context__"):
        inner = getattr(report, link, None)
        if inner is not None:
            _tidy(inner, getattr(exception, link), left_out, workspace)
    for inner, part in zip(
        getattr(report, "exceptions", None) or (), getattr(exception, "exceptions", ())
    ):
        _tidy(inner, part, left_out, workspace)
