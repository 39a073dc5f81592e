"""The zygote: imports what sessions share, then forks a process for each of them. It never runs
user code. init starts it as `python3 -I -X utf8 main.py` with its control socket as descriptor 3.

The other files of this directory are loaded by hand, not imported, for three reasons: `tools` or
`display` must stay free as names of the user's modules; tracebacks must not name paths of the image;
and each gets builtins of its own, so that code which replaces `len` does not replace ours.
"""

import gc
import sys

gc.disable()  # until heads run code: imports make much and free little

_FILES = [
    "wire",
    "interrupts",
    "capture",
    "tracebacks",
    "display",
    "failures",
    "figures",
    "guard",
    "watch",
    "tools",
    "sizes",
    "names",
    "definitions",
    "saved",
    "restored",
    "execute",
    "copies",
    "head",
]


def load(directory):
    """The worker as a package. It is in sys.modules under a private name until heads take it out."""
    import builtins

    compiled = _compiled(directory)
    module_type = type(sys)
    package = module_type("_caisson")
    package.__path__ = []
    sys.modules["_caisson"] = package
    for name in _FILES:
        code = compiled.get(name)
        if code is None:
            with open(directory + "/" + name + ".py", encoding="utf-8") as file:
                code = compile(file.read(), "<caisson>/%s.py" % name, "exec")
        module = module_type("_caisson." + name)
        module.__dict__["__builtins__"] = vars(builtins).copy()
        sys.modules[module.__name__] = module
        exec(code, module.__dict__)
        setattr(package, name, module)
    for name in _FILES:
        del sys.modules["_caisson." + name]
    return package


def _compiled(directory):
    """What the build has compiled for this version of Python: {name: code}, or nothing."""
    import marshal

    from _frozen_importlib_external import MAGIC_NUMBER

    try:
        with open("%s/%s.bin" % (directory, sys.implementation.cache_tag), "rb") as file:
            data = file.read()
    except OSError:
        return {}
    if not data.startswith(MAGIC_NUMBER):
        return {}
    return marshal.loads(data[len(MAGIC_NUMBER) :])


def preload(modules):
    """Imports them; which could be, and why the others could not."""
    import importlib

    done, failed = [], {}
    for name in modules:
        try:
            importlib.import_module(name)
            done.append(name)
        except Exception as error:
            failed[name] = "%s: %s" % (type(error).__name__, error)
    return done, failed


def main():
    import gc
    import os

    import _signal
    import _socket

    _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
    worker = load(os.path.dirname(os.path.abspath(__file__)))
    wire = worker.wire
    channel = wire.Channel(_socket.socket(fileno=3))
    try:
        kind, _, body, _ = channel.receive()
        if kind != wire.SETUP:
            raise wire.Closed("the first message must be `setup`, not %d" % kind)
        config = wire.decode(body)
        worker.figures.choose_backend()
        done, failed = preload(config.get("preload") or [])
        gc.collect()
        gc.disable()
        gc.freeze()  # a collection in a head would copy every page that has an object in it
        worker.copies.hide(True)
        version = "%d.%d.%d" % sys.version_info[:3]
        channel.send(
            wire.READY, wire.encode({"python": version, "preloaded": done, "failed": failed})
        )
        while True:
            kind, context, body, fds = channel.receive()
            if kind != wire.OPEN or len(fds) != 3:
                raise wire.Closed(
                    "`open` with three descriptors was expected, not %d with %d" % (kind, len(fds))
                )
            try:
                worker.head.start(channel, config, context, wire.decode(body), fds)
            except OSError as error:
                print("no process for a session: %s" % error, file=sys.stderr, flush=True)
    except wire.Closed as error:
        if str(error) != "end of the control socket":
            print("the zygote stops: %s" % error, file=sys.stderr, flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
