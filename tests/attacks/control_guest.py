"""Runs attacks where nothing holds them: process 1 of the control container (control.py).

    python3 control_guest.py FILE...

Prints one JSON object a line: {"file", "status", "value" or "signal"}. Each attack runs as the
grandchild of process 1, as a block of ours runs below init and the zygote.
"""

import ast
import json
import os
import select
import sys
import time

SECONDS_FOR_ONE = 20
sleeper = 0


def run(path):
    """The value of the file's last expression."""
    with open(path) as file:
        tree = ast.parse(file.read(), path)
    last = ast.Expression(tree.body.pop().value)
    names = {"__name__": "__main__", "__builtins__": __builtins__}
    exec(compile(tree, path, "exec"), names)
    return eval(compile(last, path, "eval"), names)


def head(path, report):
    answer = {}
    try:
        answer = {"status": "ok", "value": run(path)}
    except BaseException as error:  # an attack may raise what it likes
        answer = {"status": "raised", "reason": repr(error)}
    os.write(report, json.dumps(answer).encode())
    os._exit(0)


def checkpoint():
    """A plain fork that sleeps, which is what a checkpoint is when nothing protects it."""
    global sleeper
    sleeper = os.fork()
    if sleeper == 0:
        os.setsid()
        while True:
            time.sleep(1000)


def zygote(path, report):
    os.setsid()
    if os.path.basename(path).startswith("c"):
        checkpoint()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        head(path, report)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        answer = {"status": "signal", "signal": -status} if status < 0 else {"status": "exited"}
        os.write(report, json.dumps(answer).encode())
    if sleeper:
        os.kill(sleeper, 9)
    os._exit(0)


def attack(path):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        zygote(path, writing)
    os.close(writing)
    said = b""
    end = time.monotonic() + SECONDS_FOR_ONE
    while select.select([reading], [], [], max(0, end - time.monotonic()))[0]:
        piece = os.read(reading, 65536)
        if not piece:
            break
        said += piece
    os.close(reading)
    try:
        return json.loads(said)
    except ValueError:
        return {"status": "lost"}


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main():
    output = os.fdopen(os.dup(1), "w")
    nowhere = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1):
        os.dup2(nowhere, fd)
    for path in sys.argv[1:]:
        answer = attack(path)
        answer["file"] = os.path.basename(path)
        print(json.dumps(answer), file=output, flush=True)
        reap()


main()
