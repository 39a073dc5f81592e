"""Writes names of a session into a file from which restored.py brings them into another one, and
says of each name that it cannot save why.

The file is made and read inside of the sandbox only: reading it runs code. To the host it is bytes.

    head      HEAD: mark, version, where the index is, its length and its CRC-32
    records   pickles (protocol 5) and texts of blocks
    index     JSON: {"python", "code", "files": {name: record}, "definitions": [{"sort", …,
              "before", "after", "uses"}], "entries": [{"names", "record", "alone", "uses"}]}

A record is [offset, length, CRC-32]. "code" is the number of the bytecode's format. An entry is a
name of its own, or several that share objects: those are one tuple in one pickle, so that they
share them again, and `alone` has each by itself, for the case that one of them can't be restored.
What is looked for are shared objects that can change or have an identity of their own; a value of
more than about 200,000 objects is not searched and stays by itself, which the report notes.

A pickle of a name may refer to definitions (definitions.py) by number; a name whose definition
can't be saved is not saved either.
"""

import importlib.util
import os
import sys
import types
import zlib
from _pickle import PicklingError, Pickler
from struct import Struct

from _caisson import names, sizes, wire
from _caisson.definitions import Definitions, Findable, Unsaved

HEAD = Struct("<15sBQQI4x")
MARK = b"caisson state\n\0"
VERSION = 1
CODE = importlib.util.MAGIC_NUMBER.hex()
PYTHON = "%d.%d.%d" % sys.version_info[:3]
MAX_BYTES = 256 << 20
MOST = 5000  # names in each list of a report
_SEARCHED = 4 << 20  # bytes of a pickler's memo
_DEEPEST = 5000  # levels of recursion: C code of pickle must not meet the end of the stack

_crc = zlib.crc32
_open, _replace, _unlink, _getpid = os.open, os.replace, os.unlink, os.getpid
_file = open
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_getlimit, _setlimit = sys.getrecursionlimit, sys.setrecursionlimit
_memo_size = Pickler.__sizeof__
_VALUES = {  # of which it makes no difference whether they are shared
    *(str, bytes, int, float, complex, bool, type(None), tuple, frozenset, range),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.CellType),
}


class StateError(Exception):
    """Names that can't be saved or restored at all; the message says why."""


StateError.__module__ = "caisson"


class _Full(Exception):
    pass


class _Pickler(Pickler):
    def __init__(self, file, definitions):
        super().__init__(file, 5)
        self.used = set()
        self._definitions = definitions

    def reducer_override(self, value):
        return self._definitions.reduce(value, self.used)


class _Writer:
    """The file being written. A record that fails leaves no trace."""

    def __init__(self, file, max_bytes):
        self._file = file
        self._limit = max_bytes
        self.at = HEAD.size
        file.seek(self.at)

    def write(self, data):
        size = memoryview(data).nbytes
        if self.at + size > self._limit:
            raise _Full()
        self._file.write(data)
        self._sum = _crc(data, self._sum)
        self.at += size
        return size

    def record(self, fill):
        start, self._sum = self.at, 0
        try:
            fill()
        except BaseException:
            self._file.seek(start)
            self._file.truncate()
            self.at = start
            raise
        return [start, self.at - start, self._sum]

    def finish(self, index):
        text = wire.encode(index)
        self._file.write(text)
        self._file.seek(0)
        self._file.write(HEAD.pack(MARK, VERSION, self.at, len(text), _crc(text)))
        self._file.flush()
        return self.at + len(text)


def save(request, home):
    """{"path", "bytes", "saved", "failed": [{"name", "reason"}], "notes"}; `home` is the Executor.
    Raises StateError and OSError. The file is there whole, or is as it was before."""
    path = request.get("path")
    if not isinstance(path, str) or not path or "\0" in path:
        raise StateError("save: a path is needed")
    folder, slash, name = path.rpartition("/")
    temporary = "%s%s.%s.%d.saving" % (folder, slash, name[:40], _getpid())
    limit = _getlimit()
    file = _file(_open(temporary, _FLAGS, 0o600), "w+b")
    try:
        with file, Findable():
            _setlimit(min(limit, _DEEPEST))
            saving = _Saving(home, file, request.get("max_bytes") or MAX_BYTES)
            report = saving.run(request.get("names"))
        _replace(temporary, path)
    except BaseException:
        try:
            _unlink(temporary)
        except OSError:
            pass  # a handler of the user's may have come between, and it may be in place already
        raise
    finally:
        _setlimit(limit)
    report["path"] = path
    return report


class _Saving:
    def __init__(self, home, file, max_bytes):
        self._namespace = home.namespace
        self._sources = home.sources
        self._max = max_bytes
        self._definitions = Definitions(home)
        self._writer = _Writer(file, max_bytes)
        self._failed = {}
        self._notes = []

    def run(self, wanted):
        values = self._choose(wanted)
        alone, picklers = {}, {}
        for name, value in values.items():
            record = self._try(name, value, picklers)
            if record is not None:
                alone[name] = record
        definitions = self._take_apart([])
        for name in list(alone):
            if self._is_lost([name], picklers[name].used, definitions):
                del alone[name]
        entries = self._entries(values, alone, picklers)
        definitions = self._take_apart(definitions)  # a __reduce__ may answer differently each time
        entries = [
            entry
            for entry in entries
            if not self._is_lost(entry["names"], entry["uses"], definitions)
        ]
        files = {name: self._text(name) for name in sorted(self._definitions.files)}
        index = {"python": PYTHON, "code": CODE, "files": files}
        index.update(definitions=definitions, entries=entries)
        size = self._writer.finish(index)
        saved = [name for entry in entries for name in entry["names"]]
        failed = [{"name": name, "reason": why} for name, why in self._failed.items()]
        report = {"bytes": size, "saved": saved[:MOST], "failed": failed[:MOST]}
        report["notes"] = self._notes[:100]
        more = max(0, len(saved) - MOST) + max(0, len(failed) - MOST)
        if more:
            report["more"] = more
        return report

    def _choose(self, wanted):
        present = {name: value for name, value in self._namespace.items() if type(name) is str}
        if wanted is None:
            return {name: value for name, value in present.items() if names.is_users(name, value)}
        for name in wanted:
            if name not in present:
                self._failed[name] = "there is no such name"
        return {name: present[name] for name in wanted if name in present}

    def _try(self, name, value, picklers):
        if not names.is_text(name):
            self._failed[name] = "the file's index has no place for such a name"
            return None
        if value is self._namespace:
            self._failed[name] = "it is the session's namespace itself"
            return None
        try:
            return self._pickle(value, picklers, name)
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            self._failed[name] = self._reason(failure)
            return None

    def _pickle(self, value, picklers=None, name=None):
        pickler = _Pickler(self._writer, self._definitions)
        record = self._writer.record(lambda: pickler.dump(value))
        if picklers is not None:
            picklers[name] = pickler  # keeps what it has met alive, so that identities last
        return record

    def _reason(self, failure):
        if type(failure) is _Full:
            return "the file would be larger than %d bytes" % self._max
        return reason(failure)

    def _entries(self, values, alone, picklers):
        entries = []
        for group in self._groups(alone, picklers):
            together = self._together(group, values) if len(group) > 1 else None
            if together is None:
                parts = [([name], alone[name], None) for name in group]
            else:
                parts = [(group, together, [alone[name] for name in group])]
            for members, record, each in parts:
                uses = sorted(set().union(*(picklers[name].used for name in members)))
                entries.append({"names": members, "record": record, "alone": each, "uses": uses})
        return entries

    def _together(self, group, values):
        try:
            return self._pickle(tuple(values[name] for name in group))
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            self._notes.append(
                "%s share objects, and are restored with copies of their own: %s"
                % (", ".join(group)[:200], self._reason(failure))
            )
            return None

    def _groups(self, alone, picklers):
        """Names that share objects, by their picklers' memos."""
        parent = {name: name for name in alone}

        def root(name):
            while parent[name] != name:
                name = parent[name]
            return name

        owner = {}
        for name in alone if len(alone) > 1 else ():
            if _memo_size(picklers[name]) > _SEARCHED:
                self._notes.append(
                    "%s: it has too many parts to look for what it shares with other names"
                    % name[:200]
                )
                continue
            for number, (_, thing) in picklers[name].memo.copy().items():
                if _has_identity(thing):
                    other = owner.setdefault(number, name)
                    if other != name:
                        parent[root(name)] = root(other)
        groups = {}
        for name in alone:
            groups.setdefault(root(name), []).append(name)
        return groups.values()

    def _take_apart(self, definitions):
        """Adds the definitions that have been met, and those that these refer to. What refers to a
        lost one is lost too."""
        number = len(definitions)
        while number < len(self._definitions.found):
            first, second = set(), set()
            try:
                facts, before, after = self._definitions.take_apart(number)
                record = dict(facts)
                record["before"] = self._part(before, first)
                record["after"] = self._part(after, second)
            except KeyboardInterrupt:
                raise
            except BaseException as failure:
                record = {"lost": self._reason(failure)}
            record["uses"] = sorted(first | second)
            definitions.append(record)
            number += 1
        lost = [record for record in definitions if "lost" in record]
        users = {}
        for record in definitions:
            for used in record["uses"]:
                users.setdefault(used, []).append(record)
        numbers = {id(record): number for number, record in enumerate(definitions)}
        for record in lost:  # grows meanwhile
            for user in users.get(numbers[id(record)], ()):
                if "lost" not in user:
                    user["lost"] = record["lost"]
                    lost.append(user)
        return definitions

    def _is_lost(self, members, uses, definitions):
        for number in uses:
            if "lost" in definitions[number]:
                self._failed.update((name, definitions[number]["lost"]) for name in members)
                return True
        return False

    def _part(self, value, used):
        pickler = _Pickler(self._writer, self._definitions)
        record = self._writer.record(lambda: pickler.dump(value))
        used |= pickler.used
        return record

    def _text(self, filename):
        text = self._sources.text(filename)
        data = text.encode("utf-8", "surrogatepass")
        return self._writer.record(lambda: self._writer.write(data))


def _has_identity(thing):
    kind = type(thing)
    if sizes.one_of(kind, _VALUES) or sizes.derives(kind, type):
        return False
    return "dtype" not in sizes.type_name(kind).lower()  # numpy's: one for all arrays of a type


def reason(failure):
    """Why a value could not be saved or restored, for a person."""
    kind = type(failure)
    try:
        text = str(failure)[:300]
    except KeyboardInterrupt:
        raise
    except BaseException:
        text = ""
    if text and kind in (Unsaved, StateError, PicklingError, TypeError):
        return text
    return kind.__name__ + (": " + text if text else "")
