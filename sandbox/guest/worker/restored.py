"""Brings the names of a file that saved.py wrote into a session."""

import marshal
import os
import sys
import types
from _pickle import Unpickler
from ast import ClassDef
from io import BytesIO
from zlib import crc32

from _caisson import names, sizes, wire
from _caisson.definitions import statements
from _caisson.saved import CODE, HEAD, MARK, MOST, PYTHON, VERSION, StateError, reason

_modules = sys.modules
_loads = marshal.loads
_open = open
_fstat = os.fstat
_Function, _Cell, _Code = types.FunctionType, types.CellType, types.CodeType
_ABSENT = object()


def restore(request, home, block):
    """{"path", "python", "restored", "failed": [{"name", "reason"}], "skipped": [the same]}; `home`
    is the Executor. Raises StateError and OSError; then, and when it is interrupted, the names are
    as before."""
    path = request.get("path")
    if not isinstance(path, str) or not path or "\0" in path:
        raise StateError("restore: a path is needed")
    with _open(path, "rb") as file:
        saved = _File(file, path)
        found, failed = _load(saved, _Made(saved, home, block))
    namespace, skipped = home.namespace, {}
    for name in list(found):
        present = namespace.get(name)
        if type(present) is _Function and names.is_ours(present):
            skipped[name] = "a tool of the host has this name here"
            del found[name]
    namespace.update(found)
    report = {"path": path, "python": saved.python, "restored": list(found)[:MOST]}
    for key, reasons in (("failed", failed), ("skipped", skipped)):
        report[key] = [{"name": name, "reason": why} for name, why in reasons.items()][:MOST]
    more = sum(max(0, len(each) - MOST) for each in (found, failed, skipped))
    if more:
        report["more"] = more
    return report


class _File:
    def __init__(self, file, path):
        self._file = file
        head = file.read(HEAD.size)
        if len(head) < HEAD.size or head[: len(MARK)] != MARK:
            raise StateError("%s is not a saved state of Caisson" % path)
        _, version, at, length, check = HEAD.unpack(head)
        if version != VERSION:
            raise StateError(
                "%s is a saved state in format %d; this session reads format %d"
                % (path, version, VERSION)
            )
        size = _fstat(file.fileno()).st_size
        if at + length != size:
            raise StateError(
                "%s is %s: a saved state of %d bytes, and the file has %d"
                % (path, "truncated" if size < at + length else "damaged", at + length, size)
            )
        text = self._read(at, length)
        try:
            if crc32(text) != check:
                raise ValueError
            index = wire.decode(text)
            self.entries = [
                ([str(name) for name in each["names"]], each["record"], each["alone"])
                for each in index["entries"]
            ]
            self.definitions = index["definitions"]
            self.files = index["files"]
            self.same_code = index["code"] == CODE
            self.python = str(index["python"])[:40]
        except (ValueError, KeyError, TypeError, StopIteration, RecursionError):
            raise StateError("%s is damaged: its index can't be read" % path) from None

    def record(self, where):
        """The bytes of a record. Raises StateError."""
        try:
            at, length, check = where
            data = self._read(at, length)
            if len(data) == length and crc32(data) == check:
                return data
        except (ValueError, TypeError, OverflowError):
            pass
        raise StateError("the file is damaged here")

    def _read(self, at, length):
        self._file.seek(at)
        return self._file.read(length)


class _Unpickler(Unpickler):
    def __init__(self, data, made):
        super().__init__(BytesIO(data))
        self._made = made

    def find_class(self, module, name):
        if module == "_caisson":
            return self._made.resolve
        return super().find_class(module, name)


def _load(saved, made):
    found, failed = {}, {}
    for group, together, alone in saved.entries:
        try:
            value = made.load(together)
            found.update(zip(group, value) if alone else [(group[0], value)])
            continue
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            if not alone:
                failed[group[0]] = reason(failure)
                continue
        for name, record in zip(group, alone):
            try:
                found[name] = made.load(record)
            except KeyboardInterrupt:
                raise
            except BaseException as failure:
                failed[name] = reason(failure)
    return found, failed


class _Made:
    """The definitions of a file, each made when the first value asks for it.

    They refer to each other in circles, so all are made empty first and filled when the outermost
    has been made, or before code of theirs runs."""

    def __init__(self, saved, home, block):
        self._saved = saved
        self._home = home
        self._namespace = home.namespace
        self._sources = home.sources
        self._block = block
        self._made = {}  # number -> object
        self._lost = {}  # number -> reason
        self._making = set()
        self._unfilled = []
        self._files = {}  # name of a block's text there -> here

    def load(self, record):
        return _Unpickler(self._saved.record(record), self).load()

    def resolve(self, sort, *reference):
        """What `_caisson.definition(…)` of a pickle stands for."""
        if sort == "made":
            return self._get(reference[0])
        if sort == "module":
            __import__(reference[0])
            return _modules[reference[0]]
        if sort == "main":
            return _modules["__main__"]
        if sort == "tool":
            tool = self._namespace.get(reference[0])
            if type(tool) is _Function and names.is_ours(tool):
                return tool
            raise StateError("this session has no tool %s of the host" % reference[0])
        if sort == "inner":
            found = reference[0]
            for name in reference[1].split("."):
                found = getattr(found, name)
            return found
        if sort == "typevar":
            name, constraints, bound, covariant, contravariant = reference
            make = __import__("typing").TypeVar
            return make(
                name, *constraints, bound=bound, covariant=covariant, contravariant=contravariant
            )
        raise StateError("it refers to a %s, which this session does not know" % sort)

    def _get(self, number):
        if number in self._made:
            return self._made[number]
        if number in self._lost:
            raise StateError(self._lost[number])
        if number in self._making:
            raise StateError("its definition needs itself")
        outermost = not self._making
        self._making.add(number)
        try:
            facts = self._saved.definitions[number]
            value = self._made[number] = _MAKERS[facts["sort"]](self, facts)
            self._unfilled.append(number)
            if outermost:
                self._fill()
            return value
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            for lost in [number] + self._unfilled:
                self._made.pop(lost, None)
                self._lost[lost] = reason(failure)
            self._unfilled.clear()
            raise
        finally:
            self._making.discard(number)

    def _fill(self):
        while self._unfilled:
            number = self._unfilled.pop()
            try:
                facts = self._saved.definitions[number]
                content = self.load(facts["after"])
                _FILLERS[facts["sort"]](self._made[number], content)
            except BaseException:
                self._unfilled.append(number)
                raise

    def _cell(self, facts):
        return _Cell()

    def _function(self, facts):
        if not self._saved.same_code:
            raise StateError(
                "its code was compiled by Python %s, this is %s" % (self._saved.python, PYTHON)
            )
        text, home, name, closure = self.load(facts["before"])
        names = self._namespace
        if home:
            __import__(home)
            names = _modules[home].__dict__
        return _Function(_moved(_loads(text), self._file), names, name, None, closure)

    def _class(self, facts):
        needed = self.load(facts["before"])
        self._fill()
        name, place, names = facts["name"], self._file(facts["file"]), self._namespace
        tree = self._home.parse(self._sources.text(place), place)
        statement = None
        for each in statements(tree):
            if each.lineno == facts["line"] and (type(each) is not ClassDef or each.name == name):
                statement = each
        if statement is None:
            raise StateError("the definition of class %s is not where it was" % name)
        before = {each: names.get(each, _ABSENT) for each in [*needed, name]}
        names.update(needed)
        try:
            self._home.run_statement(statement, place, facts["futures"])
            made = names.get(name)
        finally:
            for each, value in before.items():
                if value is not _ABSENT:
                    names[each] = value
                else:
                    names.pop(each, None)
        if not sizes.derives(type(made), type):
            raise StateError("the definition of class %s made no class" % name)
        return made

    def _file(self, name):
        """The name under which a block's text is known here; tracebacks show it."""
        if name not in self._saved.files:
            return name
        if name not in self._files:
            text = str(self._saved.record(self._saved.files[name]), "utf-8", "surrogatepass")
            first = name.strip("<>").partition(", restored in ")[0]
            place, count = "<%s, restored in block %d>" % (first, self._block), 1
            while self._sources.text(place) is not None:
                count += 1
                place = "<%s, restored in block %d (%d)>" % (first, self._block, count)
            self._sources.add(place, text)
            self._files[name] = place
        return self._files[name]


def _moved(code, place):
    constants = tuple(
        _moved(each, place) if type(each) is _Code else each for each in code.co_consts
    )
    return code.replace(co_consts=constants, co_filename=place(code.co_filename))


def _fill_cell(cell, content):
    if content:
        cell.cell_contents = content[0]


def _fill_function(function, content):
    function.__qualname__ = content["qualname"]
    function.__module__ = content["module"]
    function.__doc__ = content["doc"]
    function.__defaults__ = content["defaults"]
    function.__kwdefaults__ = content["keywords"]
    function.__annotations__ = content["annotations"]
    function.__dict__.update(content["attributes"])


def _fill_class(made, content):
    for name, value in content.items():
        type.__setattr__(made, name, value)


_MAKERS = {"cell": _Made._cell, "function": _Made._function, "class": _Made._class}
_FILLERS = {"cell": _fill_cell, "function": _fill_function, "class": _fill_class}
