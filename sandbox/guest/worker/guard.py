"""Says early, and in words that a model can act on, that a module or a function is of no use here.

This is guidance, not a wall: code that wants to can reach any module that the image has (through
sys.modules, importlib's internals, ctypes …). The wall is the kernel: seccomp and Landlock refuse
what the policy denies whether or not Python was asked.

Only user code is advised: the session's namespace, and modules that lie outside of the library
directories. What the standard library and packages do for themselves goes through.
"""

import ast
import builtins
import importlib
import os
import sys

_PACKAGES = ("/site-packages/", "/dist-packages/")
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + "/"
_MOST = 32  # refusals of one block that are told to the host
_DEEPEST = 64  # frames that are looked at for the one that asked
_frame = sys._getframe


class Guard:
    """`deny`: module -> hint. Of "a.b", the module a.b and those beneath it are denied, a is not.
    `events`: name of an audit event, or "group.*", -> hint. `mode`: refuse, record or off."""

    def __init__(self, deny, events, mode):
        on = mode != "off"
        self._deny = dict(deny) if on else {}
        self._roots = {name.partition(".")[0] for name in self._deny}
        self._events = dict(events) if on else {}
        self._refuses = mode == "refuse"
        self._told = []

    def install(self):
        if self._deny:
            self._guard_imports()
        if self._events:
            sys.addaudithook(self._audit)

    def take(self):
        """What has been refused since the last time: [[kind, name, line]]."""
        told, self._told = self._told, []
        return told

    def inspect(self, source, parse):
        """Before a block runs: raises ImportError with all its denied imports, each with its line.
        Those that the block is prepared to see fail are left to it."""
        if not self._refuses or "import" not in source:
            return
        if not any(root in source for root in self._roots):
            return
        try:
            tree = parse()
        except Exception:
            return  # it will fail in its own words
        found = []
        _collect(tree, found)
        denied = []
        before = None
        for name, line in found:
            rule = self._rule(name)
            if rule is not None and (rule, line) != before:
                before = rule, line
                denied.append((line, _sentence(rule, self._deny[rule])))
                self._tell("import", name, line)
        if len(denied) == 1:
            raise ImportError(denied[0][1])
        if denied:
            lines = ["line %d: %s" % each for each in denied]
            raise ImportError("nothing of this block ran:\n" + "\n".join(lines))

    def _tell(self, kind, name, line):
        if len(self._told) < _MOST:
            self._told.append([kind, str(name)[:200], line])

    def _rule(self, name):
        """The denied module that this one is or lies beneath, or None."""
        while name and name not in self._deny:
            name = name.rpartition(".")[0]
        return name or None

    def _advise(self, name, fromlist, line):
        names = [name] + [name + "." + part for part in fromlist or () if isinstance(part, str)]
        for each in names:
            rule = self._rule(each)
            if rule is None:
                continue
            self._tell("import", each, line)
            if self._refuses:
                raise ImportError(_sentence(rule, self._deny[rule]), name=rule)
            return

    def _guard_imports(self):
        import_module = importlib.import_module
        import_statement = builtins.__import__
        advise = self._advise

        def __import__(name, globals=None, locals=None, fromlist=(), level=0):
            # C code that imports on behalf of the frame above it passes a list (PyImport_Import), an
            # import statement a tuple or None.
            if level == 0 and type(fromlist) is not list and _is_user(globals):
                advise(name, fromlist, _frame(1).f_lineno)
            return import_statement(name, globals, locals, fromlist, level)

        def guarded_import_module(name, package=None):
            above = _frame(1)
            if not name.startswith(".") and _is_user(above.f_globals):
                advise(name, (), above.f_lineno)
            return import_module(name, package)

        __import__.__doc__ = import_statement.__doc__
        guarded_import_module.__doc__ = import_module.__doc__
        guarded_import_module.__name__ = "import_module"
        guarded_import_module.__qualname__ = "import_module"
        builtins.__import__ = __import__
        importlib.import_module = guarded_import_module

    def _audit(self, event, _):
        key = event if event in self._events else event.partition(".")[0] + ".*"
        hint = self._events.get(key)
        if hint is None:
            return
        asker = _asker(_frame(1))
        if asker is None:
            return
        self._tell("event", event, asker.f_lineno)
        if self._refuses:
            raise PermissionError(_sentence(event, hint))


def _sentence(name, hint):
    return '"%s" is denied by the session\'s policy%s' % (name, ": " + hint if hint else "")


def _collect(node, found):
    """Imports below a node, in order; not those in a `try` that catches what they raise."""
    pending = [node]
    while pending:
        at = pending.pop()
        if isinstance(at, ast.Import):
            found.extend((alias.name, at.lineno) for alias in at.names)
        elif isinstance(at, ast.ImportFrom) and at.level == 0 and at.module:
            found.append((at.module, at.lineno))
            found.extend((at.module + "." + alias.name, at.lineno) for alias in at.names)
        if isinstance(at, ast.Try) and at.handlers:
            pending.extend(at.orelse + at.finalbody)
        else:
            pending.extend(ast.iter_child_nodes(at))
    found.sort(key=lambda each: each[1])


def _asker(frame):
    """The frame of user code that asked the standard library for this, or None."""
    for _ in range(_DEEPEST):
        if frame is None:
            return None
        path = frame.f_globals.get("__file__")
        if _is_user(frame.f_globals):
            return frame
        if not (isinstance(path, str) and path.startswith(_STDLIB)) and path is not None:
            return None  # a package's own affair
        frame = frame.f_back
    return None


def _is_user(names):
    """Whether a module's globals are those of user code."""
    if names is None:
        names = _frame(2).f_globals
    name = names.get("__name__")
    if name == "__main__":
        return True
    if isinstance(name, str) and name.startswith("_caisson"):
        return False
    path = names.get("__file__")
    if not isinstance(path, str):
        return names.get("__spec__") is None  # code that was exec'd, not a built-in module
    return not path.startswith(_STDLIB) and not any(mark in path for mark in _PACKAGES)
