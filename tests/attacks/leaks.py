"""What the attacks must not have changed outside of the sandbox, looked at before and after."""

import hashlib
import os
import socket
import threading
import time

SETTINGS = (
    "kernel/core_pattern kernel/hostname kernel/domainname kernel/tainted kernel/modprobe "
    "net/ipv4/ip_forward kernel/randomize_va_space"
).split()


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _tree(root):
    """A digest of the names, sizes, modes and times below `root`."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            facts = (path, status.st_size, status.st_mode, status.st_mtime_ns)
            digest.update(repr(facts).encode())
    return digest.hexdigest()


def _mounts(words):
    lines = (_read("/proc/self/mountinfo") or "").splitlines()
    return sorted(line for line in lines if any(word in line for word in words))


def _cgroups():
    found = set()
    for folder, folders, _ in os.walk("/sys/fs/cgroup"):
        found.update(
            os.path.join(folder, name) for name in folders if name.startswith("caisson-")
        )
    return found


def _processes(words):
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        command = _read("/proc/%s/cmdline" % pid) or ""
        if int(pid) != os.getpid() and any(word in command for word in words):
            found.add((int(pid), command.replace("\0", " ").strip()))
    return found


class Listener:
    """Listens on the host; nobody in a sandbox may reach it."""

    def __init__(self, name, listening):
        self.name, self.hits = name, 0
        self._socket = listening
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                asking, _ = self._socket.accept()
            except OSError:
                return
            self.hits += 1
            asking.close()

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Watch:
    """`work`: the harness's own directory, whose name marks our mounts and processes; `containers`
    gives the names of those that the backend's daemon has."""

    def __init__(self, work, rootfs, state, containers):
        self._containers = containers
        self._work = work
        self._rootfs = rootfs
        self._marks = [work] + ([state] if state else [])
        self._canary = os.path.join(work, "canary")
        with open(self._canary, "w") as file:
            file.write("nobody may change this")
        self._listeners = [Listener("127.0.0.1", socket.create_server(("127.0.0.1", 0)))]
        abstract = socket.socket(socket.AF_UNIX)
        try:
            abstract.bind("\0caisson-attack-canary")  # N-04 asks for it
            abstract.listen()
            self._listeners.append(Listener("an abstract socket", abstract))
        except OSError:
            abstract.close()  # another harness on this machine listens there, which is as good
        self._clock = time.time() - time.monotonic()
        self._before = self._look()
        self._cgroups = _cgroups()
        self._processes = _processes(self._marks)
        self._known = containers()

    def _look(self):
        status = os.stat(self._canary)
        facts = {
            "canary file": (_read(self._canary), status.st_mtime_ns),
            "/etc/passwd": _read("/etc/passwd"),
            "modules": _read("/proc/modules"),
            "keys": [line for line in (_read("/proc/keys") or "").splitlines() if "attack" in line],
            "mounts": _mounts(self._marks),
            "image": _tree(self._rootfs) if self._rootfs else None,
        }
        facts.update((name, _read("/proc/sys/" + name)) for name in SETTINGS)
        return facts

    def differences(self):
        """One line for each thing that is not as it was."""
        # Processes and cgroups are gone a moment after the program that used them.
        end = time.monotonic() + 5
        while time.monotonic() < end:
            cgroups = _cgroups() - self._cgroups
            processes = _processes(self._marks) - self._processes
            left = self._containers() - self._known
            mounts = _mounts(self._marks)
            if not cgroups and not processes and not left and mounts == self._before["mounts"]:
                break
            time.sleep(0.1)
        lines = ["left behind: cgroup " + path for path in sorted(cgroups)]
        lines += ["left behind: process %d: %s" % one for one in sorted(processes)]
        lines += ["left behind: container " + name for name in sorted(left)]
        after = self._look()
        for name, before in self._before.items():
            if after[name] != before:
                lines.append("changed: %s: %.200r is now %.200r" % (name, before, after[name]))
        for one in self._listeners:
            if one.hits:
                lines.append("the listener on %s had %d connections" % (one.name, one.hits))
        if abs(time.time() - time.monotonic() - self._clock) > 1:
            lines.append("changed: the clock")
        cores = [name for name in os.listdir(self._work) if name.startswith("core")]
        return lines + ["left behind: " + name for name in cores]

    def close(self):
        for one in self._listeners:
            one.close()
