"""Says early, and in words that a model can act on, that a module is of no use here.

This is guidance, not a wall: code that wants to can reach any module that the image has (through
sys.modules, importlib's internals, ctypes …). The wall is the kernel: seccomp and Landlock refuse
what the policy denies whether or not Python was asked.

Only user code is advised: the session's namespace, and modules that lie outside of the library
directories. What the standard library and packages import for themselves goes through.
"""

import builtins
import importlib
import os
import sys

_PACKAGES = ("/site-packages/", "/dist-packages/")
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + "/"


def install(deny):
    """`deny`: module -> hint. Of "a.b", the module a.b and those beneath it are denied, a is not."""
    if not deny:
        return
    import_module = importlib.import_module
    import_statement = builtins.__import__
    frame = sys._getframe

    def denied(name):
        while name:
            if name in deny:
                hint = deny[name]
                text = '"%s" is denied by the session\'s policy' % name
                return ImportError(text + (": " + hint if hint else ""), name=name)
            name = name.rpartition(".")[0]
        return None

    def advise(name, fromlist):
        error = denied(name)
        for part in fromlist or ():
            if error is None and isinstance(part, str):
                error = denied(name + "." + part)
        if error is not None:
            raise error

    def __import__(name, globals=None, locals=None, fromlist=(), level=0):
        # C code that imports on behalf of the frame above it passes a list (PyImport_Import), an
        # import statement a tuple or None.
        if level == 0 and type(fromlist) is not list and _is_user(globals):
            advise(name, fromlist)
        return import_statement(name, globals, locals, fromlist, level)

    def guarded_import_module(name, package=None):
        if not name.startswith(".") and _is_user(frame(1).f_globals):
            advise(name, ())
        return import_module(name, package)

    __import__.__doc__ = import_statement.__doc__
    guarded_import_module.__doc__ = import_module.__doc__
    guarded_import_module.__name__ = guarded_import_module.__qualname__ = "import_module"
    builtins.__import__ = __import__
    importlib.import_module = guarded_import_module


def _is_user(names):
    """Whether a module's globals are those of user code."""
    if names is None:
        names = sys._getframe(2).f_globals
    if names.get("__name__") == "__main__":
        return True
    path = names.get("__file__")
    if not isinstance(path, str):
        return names.get("__spec__") is None  # code that was exec'd, not a built-in module
    return not path.startswith(_STDLIB) and not any(mark in path for mark in _PACKAGES)
