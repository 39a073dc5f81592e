"""One block: compiled once, run once, in the session's one namespace; the value of its last
expression is the block's value.

Around user code nothing is taken for granted: any BaseException may come out of it at any point,
from `repr` and `str` of its objects as well.
"""

import __future__
import ast
import builtins
import os
import sys

from _caisson import names as naming, restored, saved, tracebacks, wire
from _caisson.display import TooLarge, bundle
from _caisson.failures import failures

# What the loop needs, whatever user code does to these modules.
_builtins = builtins
_modules = sys.modules
_compile = compile
_Tree = ast.Module
_eval = eval
_getcwd, _chdir = os.getcwd, os.chdir
_gettrace, _settrace = sys.gettrace, sys.settrace
_getprofile, _setprofile = sys.getprofile, sys.setprofile
_getlimit, _setlimit = sys.getrecursionlimit, sys.setrecursionlimit

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_ONLY_AST = ast.PyCF_ONLY_AST
_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag
_FUTURES &= ~0x10  # CO_NESTED: the flag of a feature of 2001, on every nested function since
_COROUTINE = 0x80  # CO_COROUTINE; `inspect`, which names these, takes long to import
_encode = wire.encode
_LARGEST = wire.MAX_MESSAGE - wire.BLOCK.size
_SHORT = 200  # characters; of such blocks it is tried first whether they are a single expression
_LOWEST_LIMIT = 200  # of recursion: what the worker itself needs


class Executor:
    def __init__(self, module, channel, streams, interrupts, figures, tools, guard, config):
        self._module = module
        self.namespace = module.__dict__
        self._channel = channel
        self._streams = streams
        self._interrupts = interrupts
        self._figures = figures
        self._tools = tools
        self._guard = guard
        self._value_limit = config.get("value_max_bytes", 1 << 20)
        self._workspace = config.get("workspace", "/workspace")
        self._aliases = {}  # name -> module, not imported yet
        self.sources = tracebacks.Sources()
        self._flags = _AWAIT  # and the `from __future__` of blocks before
        self._changes = naming.Changes(self.namespace)
        self._loop = None
        self.forked = False  # this is a child that user code forked
        interrupts.watch_edges(Executor.run, Executor._attempt)

    def bind_aliases(self, aliases):
        """Modules that have a name in the session without an import: at once when they are loaded,
        else when a block first mentions them."""
        for name, module in aliases.items():
            if module in _modules:
                self.namespace[name] = _modules[module]
            else:
                self._aliases[name] = module

    def run(self, block, request):
        """Runs one block; the body of its `result`. Raises nothing."""
        self._prepare(block)
        if not ("names" in request or "save" in request):
            self._changes.begin(block)
        try:
            result = self._attempt(block, request)
        except BaseException as error:
            try:
                result = self._failure(error)
            except BaseException:
                self._interrupts.armed = False
                result = _encode_failure(
                    error, tracebacks.bare(error, "its traceback can't be shown")
                )
        self._interrupts.armed = False
        try:
            self._put_away()
        except BaseException:
            self._put_away()  # a signal handler of the block had the last word; it has gone now
        return result

    def warm_up(self):
        """Goes the way of a block once, so that the first one finds pages that are this process's
        own already. Leaves nothing in the session."""
        self.run(0, {"code": "0"})
        for name in ("_", "__result__"):
            self.namespace.pop(name, None)
        self.sources.clear()
        self._guard.take()
        self._changes = naming.Changes(self.namespace)

    def remember(self):
        """When the reply is on its way: what the next block's changes are told from."""
        self._changes.end()

    def parse(self, source, filename):
        return _parse(source, filename, self._flags)

    def futures(self):
        """The `from __future__` that are in force, as flags."""
        return self._flags & _FUTURES

    def run_statement(self, statement, filename, futures):
        """Runs one statement of a block's tree in the session's namespace."""
        code = _compile(_Tree([statement], []), filename, "exec", futures & _FUTURES, True)
        _eval(code, self.namespace)

    def _report(self, block, request):
        """Of a request that has no code but asks about the names, or None."""
        if "names" in request:
            wanted = request["names"]
            modules = isinstance(wanted, dict) and bool(wanted.get("modules"))
            return {"names": naming.listing(self.namespace, modules, self._changes)}
        if "save" in request:
            return {"save": saved.save(request["save"], self)}
        if "restore" in request:
            return {"restore": restored.restore(request["restore"], self, block)}
        return None

    def _prepare(self, block):
        names = self.namespace
        names["__builtins__"] = _builtins  # else exec would put the worker's own there
        names["__name__"] = "__main__"
        _modules["__main__"] = self._module
        try:
            _getcwd()
        except OSError:
            self.go_home()
        self._streams.start(block)
        self._tools.start_block()
        self._channel.block = block

    def _attempt(self, block, request):
        self._interrupts.armed = True
        if not request["code"]:
            report = self._report(block, request)
            if report is not None:
                report.update(status="ok", value=None, error=None)
                return _encode(report)
        source = _unix(request["code"])
        label = request.get("label")
        filename = _filename(label) if label else "<block %d>" % block
        value = self._execute(source, filename)
        names = self.namespace
        names["__result__"] = value
        if value is not None:
            names["_"] = value
        if "matplotlib" in _modules:
            self._figures.show()
        if request.get("load"):
            return _encode(
                {
                    "status": "ok",
                    "value": None,
                    "error": None,
                    "loaded": definitions(_parse(source, filename, _AWAIT), names),
                }
            )
        if value is None:
            return b'{"status":"ok","value":null,"error":null}'
        shown = bundle(value, self._value_limit)
        if len(shown) == 1:
            text = '{"status":"ok","value":{"text/plain":%s},"error":null}'
            result = wire.escape(text % wire.quote(shown["text/plain"]))
        else:
            result = _encode({"status": "ok", "value": shown, "error": None})
        if len(result) > _LARGEST:  # each representation is within its limit, all together are not
            raise TooLarge(self._value_limit)
        return result

    def _execute(self, source, filename):
        """Compiles and runs; the value of the last expression, or None."""
        self.sources.add(filename, source)
        self._guard.inspect(source, lambda: self.parse(source, filename))
        if self._aliases:
            self._import_aliases(source)
        names = self.namespace
        code = None
        if len(source) < _SHORT and not ("\n" in source[:-1] or ";" in source or "\\" in source):
            code = _expression(source, filename, self._flags)
        if code is not None:
            value = _eval(code, names)
            return self._await(value) if code.co_flags & _COROUTINE else value
        code, has_value = compile_block(source, filename, self._flags)
        self._flags |= code.co_flags & _FUTURES
        value = _eval(code, names)
        if code.co_flags & _COROUTINE:
            self._await(value)
        return names.get("__result__") if has_value else None

    def _await(self, coroutine):
        """Top-level await, on the one event loop of the session. It turns only while a block
        awaits."""
        import asyncio

        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        task = self._loop.create_task(coroutine)
        try:
            return self._loop.run_until_complete(task)
        finally:
            if not task.done():  # interrupted
                task.cancel()
                self._loop.run_until_complete(asyncio.wait([task]))
            elif not task.cancelled():
                task.exception()  # it has been seen

    def _import_aliases(self, source):
        for name in [name for name in self._aliases if name in source]:
            module = self._aliases.pop(name)
            if name in self.namespace:
                continue
            try:
                __import__(module)
                self.namespace[name] = _modules[module]
            except Exception:
                pass  # not in this image: a NameError will say so, if it is wanted at all

    def _failure(self, error):
        if isinstance(error, TooLarge):
            return _encode(
                {
                    "status": "result_too_large",
                    "value": None,
                    "error": {"type": "ResultTooLarge", "message": str(error), "traceback": ""},
                }
            )
        if "matplotlib" in _modules:
            try:
                self._figures.show()  # what was drawn before it failed
            except Exception:
                pass  # the block's own failure is the news
        failed = failures(error)  # before its frames are tidied away
        described = tracebacks.describe(error, self.sources, self._workspace)
        return _encode_failure(error, described, failed)

    def _put_away(self):
        """Undoes what a block may leave behind that is not the session's state."""
        if _gettrace() is not None:
            _settrace(None)
        if _getprofile() is not None:
            _setprofile(None)
        self._interrupts.restore()
        if _getlimit() < _LOWEST_LIMIT:
            _setlimit(_LOWEST_LIMIT)
        self._tools.end_block()
        self._streams.finish()

    def forget_loop(self):
        """In a copy of this process, where the loop's sockets are gone."""
        self._loop = None

    def move(self, home):
        """The session's working directory is at `home` from now on: a branch has a copy of its
        own, and takes the place of the first when it is chosen."""
        before, self._workspace = self._workspace, home
        path = sys.path
        if isinstance(path, list) and before in path:
            path[path.index(before)] = home
        try:
            here = _getcwd()
            if (here + "/").startswith(home + "/") and not (here + "/").startswith(before + "/"):
                return  # it has moved with its directory
            below = os.path.relpath(here, before)
            self.go_home()
            if not below.startswith(".."):
                _chdir(below)
        except OSError:
            self.go_home()

    def go_home(self):
        """To the workspace, or where there is none, to the root directory."""
        for path in (self._workspace, "/"):
            try:
                return _chdir(path)
            except OSError:
                continue


def _unix(source):
    """Without carriage returns and byte order mark."""
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    return source[1:] if source.startswith("\ufeff") else source


def _filename(label):
    return "<%s>" % "".join(c for c in label[:100] if c.isprintable() and c not in "<>")


def _expression(source, filename, flags):
    """The code of a source that is one expression, else None: this spares the syntax tree."""
    try:
        return _compile(source, filename, "eval", flags, True)
    except SyntaxError:
        return None


def compile_block(source, filename, flags):
    """(code, whether its last statement is an expression). Running the code leaves that
    expression's value in `__result__`. Raises SyntaxError and whatever else compile() does."""
    tree = _parse(source, filename, flags)
    has_value = bool(tree.body) and isinstance(tree.body[-1], ast.Expr)
    if has_value:
        last = tree.body[-1]
        target = ast.copy_location(ast.Name("__result__", ast.Store()), last)
        tree.body[-1] = ast.copy_location(ast.Assign([target], last.value), last)
    return _compile(tree, filename, "exec", flags, True), has_value


def _parse(source, filename, flags):
    try:
        return _compile(source, filename, "exec", flags | _ONLY_AST, True)
    except IndentationError as error:
        failure = error
    if not _first_line(source)[:1].isspace():
        raise failure
    # All of it may be indented. Taking the indentation off would change strings of several lines,
    # so it gets a line above that makes it right.
    try:
        tree = _compile("if 1:\n" + source, filename, "exec", flags | _ONLY_AST, True)
    except SyntaxError as error:
        if error.lineno is None or error.lineno <= 2:
            raise failure
        failure = error
        failure.lineno -= 1
        if getattr(failure, "end_lineno", None):
            failure.end_lineno -= 1
        raise failure.with_traceback(None) from None
    if len(tree.body) != 1 or tree.body[0].orelse:
        raise failure
    tree.body = tree.body[0].body
    for statement in tree.body:
        ast.increment_lineno(statement, -1)
    return tree


def _first_line(source):
    for line in source.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            return line
    return ""


def definitions(tree, names):
    """What a file of tools defines: its public functions and classes, in their order."""
    import inspect

    found = []
    for name in dict.fromkeys(_defined(tree)):
        value = names.get(name)
        if name.startswith("_") or not callable(value):
            continue
        try:
            signature = str(inspect.signature(value))
        except (TypeError, ValueError):
            signature = "(...)"
        found.append({"name": name, "signature": signature, "doc": inspect.getdoc(value) or ""})
    return found


def _defined(node):
    for statement in ast.iter_child_nodes(node):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id
        elif isinstance(statement, (ast.stmt, ast.excepthandler)):
            yield from _defined(statement)


def _encode_failure(error, description, failed=()):
    status = "interrupted" if isinstance(error, KeyboardInterrupt) else "raised"
    result = {"status": status, "value": None, "error": description}
    if failed:
        result["failed"] = failed
    return _encode(result)
