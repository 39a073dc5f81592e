"""Which errors of the kernel an exception is about, and on which path. The kernel does not say that
a policy is behind them; the host, which knows the policy, can."""

import errno
import os

_errno = OSError.errno.__get__
_path = OSError.filename.__get__
_other_path = OSError.filename2.__get__
_abspath = os.path.abspath
_fsdecode = os.fsdecode
_WITH_PATH = (errno.EACCES, errno.EROFS, errno.ENOSPC)
_WITHOUT = (errno.EMFILE, errno.EFBIG, errno.ENOMEM)
_MOST = 10


def failures(error):
    """[[errno, path or None]] of an exception and those that it came from. Nothing when it cannot be
    asked: it may be of a class of the user's, and there may be no working directory."""
    told, seen = [], 0
    try:
        while error is not None and seen < _MOST:
            told += _of(error)
            cause = error.__cause__
            error, seen = error.__context__ if cause is None else cause, seen + 1
    except Exception:
        pass
    return told


def _of(error):
    if isinstance(error, MemoryError):
        return [[errno.ENOMEM, None]]
    if isinstance(error, RuntimeError) and error.args == ("can't start new thread",):
        return [[errno.EAGAIN, None]]
    if not isinstance(error, OSError):
        return []
    number = _errno(error)
    if number in _WITHOUT or (number == errno.EAGAIN and _was_forking(error)):
        return [[number, None]]
    if number not in _WITH_PATH:
        return []
    paths = [each for each in (_path(error), _other_path(error)) if isinstance(each, (str, bytes))]
    if not paths and number == errno.ENOSPC:
        return [[number, None]]
    return [[number, _abspath(_fsdecode(each))[:4096]] for each in paths]


def _was_forking(error):
    """Sockets and pipes give EAGAIN as well."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    return entry is not None and any("fork" in name for name in entry.tb_frame.f_code.co_names)
