"""The Docker daemon of the system tests: `docker_fixture.py start|stop DIRECTORY`.

`start` makes DIRECTORY/docker.sock: a link to the daemon that already answers (DOCKER_HOST or the
default socket), or the socket of one that it starts with its own data beneath DIRECTORY. `stop` ends
what `start` has started, by its pid, with its mounts. Without Docker, nothing is made, and the tests
that want it say so.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time


def answers(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(path)
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(4096)
        except OSError:
            return False


def start(directory):
    os.makedirs(directory, exist_ok=True)
    own = os.path.join(directory, "docker.sock")
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if host.startswith("unix://") and answers(host[len("unix://"):]):
        if os.path.lexists(own):
            os.unlink(own)
        os.symlink(host[len("unix://"):], own)
        print("using the daemon at", host)
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        print("no Docker daemon: it is not installed, or this user may not start it")
        return
    with open(os.path.join(directory, "log"), "wb") as log:
        # The default bridge is left to it, the firewall and forwarding of this host are not.
        daemon = subprocess.Popen(
            ["dockerd", "--host=unix://" + own, "--data-root=" + os.path.join(directory, "data"),
             "--exec-root=" + os.path.join(directory, "exec"), "--pidfile=" + os.path.join(directory, "pid"),
             "--iptables=false", "--ip6tables=false", "--ip-forward=false"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 40
    while not answers(own):
        if daemon.poll() is not None or time.monotonic() > deadline:
            with open(os.path.join(directory, "log")) as log:
                print("dockerd did not come up:", log.read()[-2000:])
            stop(directory)
            return
        time.sleep(0.05)
    print("started dockerd, pid", daemon.pid)


def stop(directory):
    try:
        with open(os.path.join(directory, "pid")) as file:
            pid = int(file.read())
    except (OSError, ValueError):
        pid = None
    if pid is not None:
        try:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 30
            while os.path.exists("/proc/%d/exe" % pid) and time.monotonic() < deadline:
                time.sleep(0.05)
        except ProcessLookupError:
            pass
    with open("/proc/self/mounts") as file:
        beneath = [line.split()[1] for line in file if line.split()[1].startswith(directory + "/")]
    for mount in reversed(beneath):
        subprocess.run(["umount", "-l", mount], check=False)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]](os.path.abspath(sys.argv[2]))
