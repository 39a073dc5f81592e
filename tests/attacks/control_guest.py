"""Runs attacks where nothing holds them: process 1 of the control container (control.py).

    python3 control_guest.py FILE[=SECONDS]...

Prints one JSON object a line: {"file", "status", "value" or "signal"}. Each attack runs as the
grandchild of process 1, as a block of ours runs below init and the zygote.
"""

import ast
import fcntl
import json
import os
import select
import socket
import struct
import sys
import time

SECONDS_FOR_ONE = 20
SIOCSIFADDR, SIOCSIFFLAGS, IFF_UP = 0x8916, 0x8914, 1
ADDRESSES = {
    b"lo": "127.0.0.1",
    b"lo:1": "169.254.169.254",
    b"lo:2": "100.100.100.200",
    b"lo:3": "172.17.0.1",
    b"lo:4": "192.168.65.7",
}
sleeper = 0
listeners = []  # of process 1 alone


def run(path):
    """The value of the file's last expression."""
    with open(path) as file:
        tree = ast.parse(file.read(), path)
    last = ast.Expression(tree.body.pop().value)
    names = {"__name__": "__main__", "__builtins__": __builtins__}
    exec(compile(tree, path, "exec"), names)
    value = eval(compile(last, path, "eval"), names)
    return value if isinstance(value, dict) else repr(value)


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
    for one in listeners:
        one.close()
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


def attack(path, seconds):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        zygote(path, writing)
    os.close(writing)
    said = b""
    end = time.monotonic() + seconds
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
    finally:
        # Whatever it started or left running: in here everything else is the attack's.
        if os.getpid() == 1:
            os.kill(-1, 9)


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def network():
    """Addresses that attacks ask for, on the loopback of this network namespace, and listeners."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for label, address in ADDRESSES.items():
            request = struct.pack("16sHH4s8x", label, socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, SIOCSIFADDR, request)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    for port in (8080, 2375):
        listeners.append(socket.create_server(("", port), backlog=64))
    listeners.append(socket.socket(socket.AF_UNIX))
    listeners[-1].bind("\0caisson-attack-canary")
    listeners[-1].listen(8)


def main():
    output = os.fdopen(os.dup(1), "w")
    nowhere = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1):
        os.dup2(nowhere, fd)
    if any(os.path.basename(one).startswith("n") for one in sys.argv[1:]):
        network()
    for argument in sys.argv[1:]:
        path, _, seconds = argument.partition("=")
        answer = attack(path, float(seconds or SECONDS_FOR_ONE))
        answer["file"] = os.path.basename(path)
        print(json.dumps(answer), file=output, flush=True)
        reap()


main()
