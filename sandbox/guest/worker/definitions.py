"""Functions and classes of blocks, taken apart for a file of saved names (saved.py) and put
together in another session, whose `__main__` does not have them.

- A function of a block is its code (marshal: good for the same Python only), its closure, defaults
  and attributes. Its globals are those of the session it comes to.
- A class of a block is defined anew: its statement (`class P: …`, or an assignment such as
  `P = namedtuple(…)`) runs again in the other session, with the values that the names it uses have
  when it is saved. Then come its plain attributes and the methods that it was given later.
- Modules are imported again, stubs of host tools are those of the other session.

A pickle of ours refers to all of these as `_caisson.definition(sort, …)`. The pickler has to find
that function, and what C code of pickle finds is a module in `sys.modules`; so it is there while a
file is written, and at no other time. Reading needs no module of that name.

What a function and a name both refer to is saved with each of them, and is two objects afterwards.
"""

import marshal
import sys
import types
from ast import (
    AST,
    AnnAssign,
    Assign,
    AsyncFunctionDef,
    Call,
    ClassDef,
    FunctionDef,
    Lambda,
    Load,
    Name,
    excepthandler,
    stmt,
)

from _caisson import sizes
from _caisson.names import is_dunder, is_module, is_ours

_modules = sys.modules
_dumps = marshal.dumps
_Function, _Cell, _Module = types.FunctionType, types.CellType, types.ModuleType
_Code = types.CodeType
_module_name = _Module.__getattribute__
_qualname = type.__dict__["__qualname__"].__get__
_PLAIN_ATTRIBUTES = {
    *(int, float, complex, bool, str, bytes, type(None)),
    *(list, tuple, dict, set, frozenset),
}
_STATEMENTS = (ClassDef, Assign)
_BODIES = (FunctionDef, AsyncFunctionDef, Lambda)


class Unsaved(Exception):
    """Why a value can't be saved."""


def definition(*reference):
    """What pickles of ours call; a name, reading puts another function in its place."""
    raise RuntimeError("saved names are restored by the session only")


definition.__module__ = "_caisson"
_holder = _Module("_caisson")
_holder.definition = definition


class Findable:
    """While it is entered, pickle's C code finds `_caisson.definition`."""

    def __enter__(self):
        self._before = _modules.get("_caisson")
        _modules["_caisson"] = _holder

    def __exit__(self, *error):
        if self._before is None:
            _modules.pop("_caisson", None)
        else:
            _modules["_caisson"] = self._before


class Definitions:
    """Those that the pickles of one file refer to, numbered as they are met."""

    def __init__(self, home):
        self._home = home
        self._namespace = home.namespace
        self._sources = home.sources
        self._numbers = {}  # id of an object -> its number
        self._trees = {}
        self.found = []  # (sort, object)
        self.files = set()  # names of blocks whose text is needed

    def reduce(self, value, used):
        """For a pickler's reducer_override; adds numbers to `used`."""
        kind = type(value)
        if kind is _Function:
            return self._reduce_function(value, used)
        if kind is _Cell:
            return self._refer("cell", value, used)
        if sizes.derives(kind, type):
            return self._reduce_class(value, used)
        if is_module(value):
            return self._reduce_module(value)
        if _is_typevar(kind) and value.__module__ == "__main__":
            limits = (value.__bound__, value.__covariant__, value.__contravariant__)
            return definition, ("typevar", value.__name__, value.__constraints__, *limits)
        return NotImplemented

    def take_apart(self, number):
        """(facts, before, after) of a definition: JSON, what must be there to make it, and what is
        put into it then. Raises Unsaved."""
        sort, value = self.found[number]
        if sort == "function":
            return self._function(value)
        if sort == "class":
            return self._class(value)
        try:
            return {"sort": sort}, None, (value.cell_contents,)
        except ValueError:
            return {"sort": sort}, None, ()

    def _refer(self, sort, value, used):
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self.found)
            self.found.append((sort, value))
        used.add(number)
        return definition, ("made", number)

    def _reduce_function(self, value, used):
        if value is definition:
            return NotImplemented
        if is_ours(value):
            return definition, ("tool", value.__name__)
        if value.__globals__ is not self._namespace and _importable(value):
            return NotImplemented
        return self._refer("function", value, used)

    def _reduce_module(self, value):
        try:
            name = _module_name(value, "__name__")
        except AttributeError:
            name = None
        if value.__dict__ is self._namespace:
            return definition, ("main",)
        if type(name) is not str or _modules.get(name) is not value:
            raise Unsaved("module %.100r is not one that an import finds" % (name,))
        return definition, ("module", name)

    def _reduce_class(self, value, used):
        try:
            module = sizes.type_module(value)
        except AttributeError:
            module = None
        if module != "__main__":
            return NotImplemented
        outer, _, rest = _qualname(value).partition(".")
        if not rest:
            return self._refer("class", value, used)
        inner = found = self._namespace.get(outer)
        for name in rest.split("."):
            inner = sizes.type_dict(inner).get(name) if sizes.derives(type(inner), type) else None
        if inner is not value:
            raise Unsaved("class %s is defined inside of a function" % _qualname(value)[:200])
        return definition, ("inner", found, rest)

    def _function(self, function):
        code, home = function.__code__, ""
        if function.__globals__ is not self._namespace:
            home = function.__globals__.get("__name__")
            module = _modules.get(home) if type(home) is str else None
            if not is_module(module) or module.__dict__ is not function.__globals__:
                raise Unsaved("function %s: its globals are of no module" % function.__name__)
        try:
            text = _dumps(code)
        except ValueError:
            raise Unsaved("function %s: its code can't be saved" % function.__name__) from None
        if self._sources.text(code.co_filename) is not None:
            self.files.add(code.co_filename)
        after = {
            "qualname": function.__qualname__,
            "module": function.__module__,
            "doc": function.__doc__,
            "defaults": function.__defaults__,
            "keywords": function.__kwdefaults__,
            "annotations": function.__annotations__,
            "attributes": function.__dict__,
        }
        before = (text, home, function.__name__, function.__closure__)
        return {"sort": "function"}, before, after

    def _class(self, value):
        filename, node = self._statement(value)
        self.files.add(filename)
        facts = {"sort": "class", "name": _qualname(value), "file": filename, "line": node.lineno}
        facts["futures"] = self._home.futures()
        needed = {}
        for name in _evaluated_names(node):
            self._need(name, value, needed)
        return facts, needed, self._later_attributes(value, filename, node)

    def _need(self, name, value, needed):
        """Adds a name that the class's statement uses, and those that functions use which it may
        call."""
        if name in needed or name not in self._namespace or name in ("__builtins__", "__name__"):
            return
        found = self._namespace[name]
        if found is value:  # class P(P): the older one
            for base in value.__bases__:
                if base.__name__ == name and base is not value:
                    needed[name] = base
            return
        needed[name] = found
        if type(found) is _Function and found.__globals__ is self._namespace:
            for inner in _global_names(found.__code__):
                self._need(inner, value, needed)

    def _statement(self, value):
        """(name of the block, statement) that defined a class."""
        name = _qualname(value)
        homes = {
            (code.co_filename, code.co_firstlineno)
            for code in _codes(value)
            if self._sources.text(code.co_filename) is not None
        }
        likely = [
            (filename, node)
            for filename in self._sources.newest_first()
            if name in self._sources.text(filename)
            for node in reversed(self._statements(filename))
            if _binds(node, name) and _looks_like(node, value)
        ]
        for filename, node in likely:
            first, last = _lines(node)
            if any(file == filename and first <= line <= last for file, line in homes):
                return filename, node
        if likely:  # no method of its own, or only such that decorators have made
            return likely[0]
        raise Unsaved("class %s: the source of its definition is not known" % name[:200])

    def _statements(self, filename):
        if filename not in self._trees:
            try:
                tree = self._home.parse(self._sources.text(filename), filename)
                self._trees[filename] = list(statements(tree))
            except (SyntaxError, ValueError, RecursionError):
                self._trees[filename] = []
        return self._trees[filename]

    def _later_attributes(self, value, filename, node):
        """Of a class: plain values, as they may have changed, and functions from elsewhere."""
        if type(value) is not type and sizes.type_name(type(value)) != "ABCMeta":
            return {}
        first, last = _lines(node)
        found = {}
        for name, attribute in sizes.type_dict(value).items():
            kind = type(attribute)
            if kind is _Function:
                code = attribute.__code__
                is_own = code.co_filename == filename and first <= code.co_firstlineno <= last
                if not is_own and self._sources.text(code.co_filename) is not None:
                    found[name] = attribute
            elif sizes.one_of(kind, _PLAIN_ATTRIBUTES) and not is_dunder(name):
                found[name] = attribute
        return found


def statements(node):
    """The statements of a block's tree that may define a class, none inside of functions."""
    for child in _children(node):
        if isinstance(child, _STATEMENTS):
            yield child
        elif isinstance(child, (stmt, excepthandler)) and not isinstance(child, _BODIES):
            yield from statements(child)


def _children(node):
    """ast.iter_child_nodes, which would look for its builtins where user code can replace them."""
    for field in node._fields:
        value = getattr(node, field, None)
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, AST):
                yield child


def _binds(node, name):
    if isinstance(node, ClassDef):
        return node.name == name
    return (
        isinstance(node.value, Call)
        and len(node.targets) == 1
        and isinstance(node.targets[0], Name)
        and node.targets[0].id == name
    )


def _looks_like(node, value):
    """Whether what a class statement defines is in the class; a later one of the same name may
    not have run."""
    if isinstance(node, Assign):
        return True
    names = sizes.type_dict(value)
    annotations = names.get("__annotations__")
    for statement in node.body:
        if isinstance(statement, (FunctionDef, AsyncFunctionDef)):
            if statement.name not in names and not statement.name.startswith("__"):
                return False
        elif isinstance(statement, AnnAssign) and isinstance(statement.target, Name):
            if type(annotations) is dict and statement.target.id not in annotations:
                return False
    return True


def _lines(node):
    decorators = getattr(node, "decorator_list", ())
    return min([node.lineno] + [each.lineno for each in decorators]), node.end_lineno


def _evaluated_names(node):
    """The names that running the statement reads; not those that its methods read when called."""
    names, todo = {}, [node]
    while todo:
        item = todo.pop()
        if isinstance(item, Name):
            if isinstance(item.ctx, Load):
                names[item.id] = None
            continue
        for child in _children(item):
            if not (isinstance(item, _BODIES) and child in _body_of(item)):
                todo.append(child)
    return names


def _body_of(node):
    return (node.body,) if isinstance(node, Lambda) else node.body


def _global_names(code):
    names = list(code.co_names)
    for part in code.co_consts:
        if type(part) is _Code:
            names += _global_names(part)
    return names


def _codes(value):
    """The code of a class's methods."""
    for attribute in sizes.type_dict(value).values():
        for part in (attribute, getattr(attribute, "__func__", None)):
            if type(part) is _Function:
                yield part.__code__
        if type(attribute) is property:
            for part in (attribute.fget, attribute.fset):
                if type(part) is _Function:
                    yield part.__code__


def _is_typevar(kind):
    return sizes.type_name(kind) == "TypeVar" and sizes.type_module(kind) == "typing"


def _importable(function):
    found = _modules.get(function.__module__) if type(function.__module__) is str else None
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function
