"""The names of a session: their types and sizes, and what the last block changed.

Nothing here runs user code (sizes.py says how), so asking has no effect on the session.

What has changed is told by comparing marks, taken after each block when its reply is on its way.
A mark is the object's identity, and of the builtin containers and numpy's arrays their length and
a sample of what is in them. It says less than a person might wish:
- A list, dict or deque of more than 16 elements, or an array of more than 4 KiB, can change where
  the sample does not look. Attributes of other objects are not compared at all, nor is what lies
  deeper than the elements themselves.
- An object that was made where an old one of the same type was freed is taken for the old one when
  their samples agree. One assignment makes the new object before the old one goes, so that needs
  a `del` or several assignments within a block.
- A name that was given an equal object is `rebound`, unless Python itself shares the object.
- Threads that go on after their block are seen in the block that follows.
With more than `FULL` names only identities are compared, with more than `KNOWN` nothing is: marks
take half a microsecond a name, identities a twentieth of it, and a block that follows at once waits
for them.
"""

import sys
import types
import zlib
from collections import deque

from _caisson import sizes
from _caisson.tracebacks import WORKER

MOST = 500  # names that are listed, and changed names of each sort
FULL = 100
KNOWN = 2000
_MAX_NAME = 200  # characters

_modules = sys.modules
_crc = zlib.crc32
_Function, _Module = types.FunctionType, types.ModuleType
_ATOMS = {float, complex, bool, type(None)}
_LARGE = 1 << 4096
_HIDDEN = {"_", "__result__"}
_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def is_users(name, value):
    """Whether a name of the namespace is the user's: not a dunder, `_` or one of our functions."""
    if type(name) is not str or name in _HIDDEN or is_dunder(name):
        return False
    return not (type(value) is _Function and is_ours(value))


def is_dunder(name):
    return name[:2] == "__" and name[-2:] == "__"


def is_ours(function):
    """A stub of a host tool, or another function of the worker."""
    return function.__code__.co_filename.startswith(WORKER)


def is_text(name):
    """Whether UTF-8 can hold it: a namespace takes keys that have lone surrogates."""
    try:
        name.encode("utf-8")
        return True
    except UnicodeEncodeError:
        return False


def is_module(value):
    return sizes.derives(type(value), _Module)


def listing(namespace, modules, changes):
    """The report: JSON of bounded size."""
    items = [
        (name, value)
        for name, value in list(namespace.items())
        if is_users(name, value) and (modules or not is_module(value))
    ]
    meter = sizes.Meter((namespace, _modules))
    return {
        "names": [_describe(name, value, meter) for name, value in items[:MOST]],
        "total": len(items),
        "changed": changes.report(),
    }


def _describe(name, value, meter):
    kind = type(value)
    size, sure = meter.measure(value)
    entry = {"name": _cut(name), "type": sizes.type_text(kind), "size": size, "size_is": sure}
    if is_module(value):
        del entry["size"], entry["size_is"]
        return entry
    for key, told in (
        ("length", sizes.length(value)),
        ("shape", sizes.shape(value)),
        ("repr", sizes.brief(value)),
    ):
        if told is not None:
            entry[key] = told
    return entry


def _cut(name):
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1] + "…"


class Changes:
    """Marks before and after the last block that could change names."""

    def __init__(self, namespace):
        self._namespace = namespace
        self._block = None
        self._before = self._after = None
        self._due = False

    def begin(self, block):
        """Before a block that may change names."""
        if self._block is None or self._due:
            self._take()
        self._before, self._block, self._due = self._after, block, True

    def end(self):
        """When its reply has been sent."""
        if self._due:
            self._due = False
            self._take()

    def _take(self):
        try:
            self._after = marks(self._namespace)
        except BaseException:
            self._after = None  # no memory left: what changed is unknown, nothing worse

    def report(self):
        if self._block is None:
            return {"unknown": "no block has run"}
        if self._before is None or self._after is None:
            return {
                "block": self._block,
                "unknown": "more than %d names are not compared" % KNOWN,
            }
        report = compare(self._before, self._after, self._namespace)
        report["block"] = self._block
        return report


def compare(before, after, namespace):
    """{"added", "rebound", "deleted", "mutated"} of two results of marks(): lists of at most MOST
    names. `mutated` is None when contents were not compared. "more" counts what was left out."""
    is_full = type(before) is dict and type(after) is dict
    before, after = _by_name(before), _by_name(after)
    common = [(name, mark, after[name]) for name, mark in before.items() if name in after]
    found = {
        "added": [
            name for name in after if name not in before and _is_variable(name, namespace)
        ],
        "rebound": [name for name, old, new in common if old[0] != new[0]],
        "deleted": [name for name in before if name not in after and name not in namespace],
        "mutated": [name for name, old, new in common if old[0] == new[0] and old != new],
    }
    more = sum(max(0, len(names) - MOST) for names in found.values())
    report = {key: [_cut(name) for name in names[:MOST]] for key, names in found.items()}
    if more:
        report["more"] = more
    if not is_full:
        report["mutated"] = None
    return report


def _by_name(found):
    if type(found) is dict:
        return found
    return {name: (number,) for name, number in found if is_users(name, None)}


def _is_variable(name, namespace):
    value = namespace.get(name)
    return is_users(name, value) and not is_module(value)


def marks(namespace):
    """{name: mark} of the user's names that are no modules; a mark's first item is the identity. Of
    more than FULL names [(name, identity)], unsorted and without a look at them: a key may be of a
    class of the user's. None when there are too many."""
    if len(namespace) > FULL:
        if len(namespace) > KNOWN:
            return None
        return list(zip(list(namespace), map(id, list(namespace.values()))))
    found = {}
    for name, value in list(namespace.items()):
        kind = type(value)
        if kind is not _Module and type(name) is str:
            if (name[:1] != "_" and kind is not _Function) or is_users(name, value):
                found[name] = _mark(value, kind)
    return found


def _mark(value, kind):
    # Small values without contents are kept alive, so that no other object gets their identity.
    if kind is str or kind is bytes:
        return id(value), value if len(value) < 1000 else len(value)
    if kind is int:
        return id(value), value if -_LARGE < value < _LARGE else 0
    if type(kind) is not type:
        return id(value), id(kind)  # a metaclass, which would be asked for a hash
    if kind in _ATOMS:
        return id(value), value
    maker = _MARKS.get(kind)
    try:
        if maker is not None:
            return maker(value)
        if kind is _array_type():
            return _mark_array(value)
    except (RuntimeError, TypeError, ValueError, BufferError):
        pass  # changed by another thread; an array whose items are no plain bytes
    return id(value), id(kind)


def _mark_list(value):
    size = len(value)
    if size <= 16:
        return id(value), size, tuple(map(id, value))
    return id(value), size, tuple(map(id, value[:: size // 16])), id(value[-1])


def _mark_dict(value):
    size = len(value)
    if size <= 16:
        return id(value), size, tuple(map(id, value)), tuple(map(id, value.values()))
    return id(value), size, id(next(reversed(value))), id(next(reversed(value.values())))


def _mark_set(value):
    return id(value), len(value), tuple(map(id, value)) if len(value) <= 16 else ()


def _mark_deque(value):
    size = len(value)
    return id(value), size, tuple(map(id, value if size <= 16 else (value[0], value[-1])))


def _mark_bytes(value):
    return (id(value), len(value), _sample(memoryview(value)))


def _mark_array(value):
    whole = memoryview(value)
    return id(value), whole.shape, _sample(whole.cast("B") if whole.nbytes else whole)


def _sample(data):
    if data.nbytes <= 4096:
        return _crc(data)
    middle = data.nbytes // 2
    return _crc(data[:1024]), _crc(data[middle : middle + 1024]), _crc(data[-1024:])


_MARKS = {
    list: _mark_list,
    dict: _mark_dict,
    set: _mark_set,
    deque: _mark_deque,
    bytearray: _mark_bytes,
    tuple: lambda value: (id(value), len(value)),
}


def _array_type():
    """numpy's array, if the session has it and it is not a class of the user's in its place."""
    numpy = _modules.get("numpy")
    if type(numpy) is not _Module:
        return None
    kind = numpy.__dict__.get("ndarray")
    if type(kind) is not type or sizes.flags(kind) & _HEAP:
        return None
    return kind
