"""How much memory hangs on a value, and how a plain value looks, without running user code: no
`__len__`, `__sizeof__`, `__repr__` or property of a class is called, only C functions of the
interpreter, looked up on the real type (`type(x)`, never `x.__class__`).

A size counts the value and what is reachable from it, each object once, but neither modules,
classes, code nor frames. Values that share an object both count it.
"""

import collections
import gc
import itertools
import sys
import time
import types

EXACT, ESTIMATE, AT_LEAST = "exact", "estimate", "at_least"
_PER_VALUE = 20000  # objects looked at; beyond, the size is a lower bound
_PER_CALL = 100000
_SECONDS = 0.2
_SAMPLE = 1000  # elements of a longer container that are looked at, the others are taken as alike
_MAX_REPR = 80  # characters
_MAX_ITEMS = 10

mro = type.__dict__["__mro__"].__get__
flags = type.__dict__["__flags__"].__get__
type_name = type.__dict__["__name__"].__get__
type_module = type.__dict__["__module__"].__get__
type_dict = type.__dict__["__dict__"].__get__
_shallow = object.__sizeof__
_referents = gc.get_referents
_now = time.monotonic
_islice, _chain = itertools.islice, itertools.chain
_Getset = types.GetSetDescriptorType
_HEAP, _GC = 1 << 9, 1 << 14  # Py_TPFLAGS_HEAPTYPE, Py_TPFLAGS_HAVE_GC
_GC_HEADER = 16

LENGTH = {
    kind: kind.__len__
    for kind in (
        *(list, tuple, dict, set, frozenset, collections.deque),
        *(str, bytes, bytearray, range, memoryview),
    )
}
_ITERATE = {
    kind: kind.__iter__ for kind in (list, tuple, set, frozenset, collections.deque)
}
_ITERATE[dict] = lambda value: _chain(dict.__iter__(value), iter(dict.values(value)))
_SHARED = {type(None), type(Ellipsis), type(NotImplemented), bool}
_PLAIN = {int, float, complex, str, bytes, bytearray, range} | _SHARED
_SHOWN = _PLAIN | {list, tuple, set, frozenset, dict}
_CLOSED = {  # what hangs on these is not the value's
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.CodeType,
    types.FrameType,
    types.TracebackType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
}


def one_of(kind, table):
    """`kind in table`, where the table has types of the interpreter: a metaclass of the user's is
    asked neither for a hash nor whether it is equal."""
    return type(kind) is type and kind in table


def derives(kind, ancestor):
    for base in mro(kind):
        if base is ancestor:
            return True
    return False


def base_of(kind):
    """The builtin container that a type is or is derived from, or None."""
    for base in mro(kind):
        if one_of(base, LENGTH):
            return base
    return None


def getset(kind, name):
    """The attribute `name` that C code computes for objects of a type, else None."""
    for base in mro(kind):
        found = type_dict(base).get(name)
        if found is not None:
            return found if type(found) is _Getset else None
    return None


def type_text(kind):
    """`list`, `Point` of the session, `numpy.ndarray`."""
    name = type_name(kind)
    try:
        module = type_module(kind)
    except AttributeError:
        module = None
    if type(module) is str and module not in ("builtins", "__main__"):
        name = module + "." + name
    return name[:200]


class Meter:
    """Sizes of several values, within one budget of time and objects. `outside`: objects that
    belong to no value, such as the namespace."""

    def __init__(self, outside=()):
        self._outside = {id(thing) for thing in outside}
        self._ends = _now() + _SECONDS
        self._left = _PER_CALL
        self._kinds = {}  # id of a type -> how to count, and the type, so that it stays

    def measure(self, value):
        """(bytes, EXACT | ESTIMATE | AT_LEAST)"""
        self._sure = EXACT
        self._asked = value
        seen = set(self._outside)
        todo = [(value, 1.0)]
        total = 0.0
        left = before = min(self._left, _PER_VALUE)
        while todo:
            item, weight = todo.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            left -= 1
            if left < 0 or (left & 255 == 0 and _now() > self._ends):
                self._sure = AT_LEAST
                break
            kind = type(item)
            known = self._kinds.get(id(kind))
            if known is None:
                known = self._kinds[id(kind)] = (self._counter(kind), kind)
            count = known[0]
            total += weight * count(item, weight, todo)
        self._left -= before - max(left, 0)
        return int(total), self._sure

    def _estimate(self):
        if self._sure != AT_LEAST:
            self._sure = ESTIMATE

    def _at_least(self):
        self._sure = AT_LEAST

    def _counter(self, kind):
        """A function (item, weight, todo) that says the item's own bytes and adds what hangs on it
        to `todo`."""
        header = _GC_HEADER if flags(kind) & _GC else 0
        if one_of(kind, _PLAIN):
            return lambda item, weight, todo: kind.__sizeof__(item)
        if derives(kind, type) or derives(kind, types.ModuleType):
            return self._count_definition
        if one_of(kind, _CLOSED):
            return self._count_closed
        base = base_of(kind)
        if base is not None and base in _ITERATE:
            return self._container(kind, base, header)
        nbytes = getset(kind, "nbytes")
        if nbytes is not None:
            return self._array(kind, nbytes)
        # C code may own memory of its own.
        doubt = self._estimate if flags(kind) & _HEAP else self._at_least
        sizeof = _shallow if base is None else base.__sizeof__

        def count(item, weight, todo):
            doubt()
            for part in _referents(item):
                todo.append((part, weight))
            return sizeof(item) + header

        return count

    def _count_closed(self, item, weight, todo):
        self._at_least()
        return _shallow(item)

    def _count_definition(self, item, weight, todo):
        """Classes and modules count only when they are asked for themselves."""
        if item is not self._asked:
            return 0
        self._at_least()
        return _shallow(item)

    def _container(self, kind, base, header):
        sizeof, length, iterate = base.__sizeof__, LENGTH[base], _ITERATE[base]

        def count(item, weight, todo):
            if kind is not base:
                self._estimate()  # its own attributes are not counted
            size = length(item)
            try:
                if size <= _SAMPLE:
                    todo.extend([(part, weight) for part in iterate(item)])
                else:
                    self._estimate()
                    self._sample(item, base, size, weight, todo)
            except RuntimeError:  # another thread changes it
                self._at_least()
            return sizeof(item) + header

        return count

    def _sample(self, item, base, size, weight, todo):
        if base is dict:
            keys = list(_islice(dict.__iter__(item), _SAMPLE))
            values = list(_islice(iter(dict.values(item)), _SAMPLE))
            parts = (keys, values)
        elif base is list or base is tuple:
            parts = (base.__getitem__(item, slice(None, None, -(-size // _SAMPLE))),)
        else:
            parts = (list(_islice(_ITERATE[base](item), _SAMPLE)),)
        for sample in parts:
            distinct = {id(part): part for part in sample}
            # Where the sample repeats itself, so do the others: [0] * 10**7 has one element.
            alike = size / len(sample) if len(distinct) * 2 > len(sample) else 1.0
            todo.extend([(part, weight * alike) for part in distinct.values()])

    def _array(self, kind, nbytes):
        dtype, flat = getset(kind, "dtype"), getset(kind, "flat")

        def count(item, weight, todo):
            size = nbytes.__get__(item)
            if type(size) is not int:
                self._at_least()
                return _shallow(item)
            if dtype is not None and flat is not None:
                if getattr(dtype.__get__(item), "hasobject", True):
                    self._estimate()
                    sample = list(_islice(flat.__get__(item), _SAMPLE))
                    many = size / 8 / max(1, len(sample))
                    todo.extend([(part, weight * many) for part in sample])
            return size + _shallow(item)

        return count


def length(value):
    """How many items a builtin container has, or None."""
    base = base_of(type(value))
    try:
        return None if base is None else LENGTH[base](value)
    except (OverflowError, TypeError, ValueError):
        return None  # a range beyond 2**63; a memoryview without dimensions, or released


def shape(value):
    """Of an array of C code, such as numpy's, else None."""
    found = getset(type(value), "shape")
    if found is None:
        return None
    try:
        numbers = found.__get__(value)
    except Exception:
        return None
    if type(numbers) is tuple and all(type(number) is int for number in numbers):
        return list(numbers[:32])
    return None


def brief(value, room=_MAX_REPR, depth=3):
    """The repr of a value of a plain builtin type, cut; None for all others. Elements of other
    types are shown as `<type>`."""
    kind = type(value)
    if not one_of(kind, _SHOWN):
        return None
    if kind is str or kind is bytes or kind is bytearray:
        text = repr(value[: room + 1])
        return text if len(text) <= room else text[: room - 1] + "…"
    if kind is int:
        if value.bit_length() <= 3 * room:
            return repr(value)
        return "<int of %d bits>" % value.bit_length()
    if kind in _PLAIN:
        return repr(value) if kind is not range else _range(value)
    return _brief_items(value, kind, room, depth)


def _range(value):
    parts = (value.start, value.stop, value.step)
    if any(part.bit_length() > 64 for part in parts):
        return "<range>"
    return repr(value)


_BRACKETS = {list: "[]", tuple: "()", set: "{}", frozenset: ("frozenset({", "})"), dict: "{}"}


def _brief_items(value, kind, room, depth):
    opened, closed = _BRACKETS[kind]
    if not value:
        return "set()" if kind is set else opened + closed
    if depth == 0:
        return opened + "…" + closed
    texts, used = [], 0
    try:
        items = list(_islice(value.items() if kind is dict else value, _MAX_ITEMS + 1))
    except RuntimeError:
        return opened + "…" + closed
    for item in items:
        parts = item if kind is dict else (item,)
        text = ": ".join(_element(part, room - used, depth) for part in parts)
        if texts and (used + len(text) > room - 6 or len(texts) == _MAX_ITEMS):
            texts.append("…")
            break
        texts.append(text)
        used += len(text) + 2
    if kind is tuple and len(texts) == 1:
        texts.append("")
    return (opened + ", ".join(texts).rstrip(" ") + closed)[: 2 * _MAX_REPR]


def _element(part, room, depth):
    text = brief(part, max(12, min(room, _MAX_REPR // 2)), depth - 1)
    return "<%s>" % type_text(type(part)) if text is None else text
