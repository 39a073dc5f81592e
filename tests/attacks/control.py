"""The permissive control: the same attacks where nothing holds them.

A container made by runc on the same image: root, every capability that we have, no system call
filter, no Landlock, nothing masked; but with pid, mount, network, ipc and uts namespaces of its
own and a read-only root, so that what works there does the machine no harm. It shows that an
attack would have found the door open.
"""

import functools
import json
import os
import secrets
import shutil
import socket
import subprocess
import threading

CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO "
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG "
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
# The attacks give these calls arguments that can't succeed; still, nobody needs to be able to.
WITHHELD = {"SYS_TIME", "SYS_RAWIO"}
KMSG, FUSE = (1, 11), (10, 229)


def why_not():
    """Why there can be no control here, or None."""
    if os.geteuid() != 0:
        return "the control container needs root"
    if shutil.which("runc") is None:
        return "the control container needs runc"
    return None


@functools.cache
def user_namespaces():
    """Whether anybody can make them here: in a chroot nobody can."""
    return subprocess.run(["unshare", "--user", "true"], stderr=subprocess.DEVNULL).returncode == 0


def _own_capabilities():
    with open("/proc/self/status") as status:
        bits = next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm"))
    names = enumerate(CAPABILITIES)
    return ["CAP_" + name for bit, name in names if bits >> bit & 1 and name not in WITHHELD]


def _mount(kind, target, *options, source=None):
    return {"type": kind, "source": source or kind, "destination": target, "options": list(options)}


def _device(name, numbers):
    return {"path": "/dev/" + name, "type": "c", "major": numbers[0], "minor": numbers[1]}


def _config(name, rootfs, attacks, run, files):
    capabilities = _own_capabilities()
    return {
        "ociVersion": "1.0.2",
        "hostname": "control",
        "root": {"path": rootfs, "readonly": True},
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["/usr/bin/python3", "/tmp/attacks/control_guest.py"]
            + ["/tmp/attacks/" + file for file in files],
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "CAISSON_CANARY_KEY=in the control",
                    "PYTHONPATH=/tmp"],
            "cwd": "/tmp",
            "capabilities": {
                kind: capabilities for kind in ("bounding", "effective", "permitted")
            },
            "noNewPrivileges": False,
        },
        "mounts": [
            _mount("proc", "/proc"),
            _mount("tmpfs", "/dev", "mode=755", "size=65536k"),
            _mount("devpts", "/dev/pts", "newinstance", "ptmxmode=0666", "mode=0620"),
            _mount("tmpfs", "/dev/shm", "mode=1777", "size=256m"),
            _mount("mqueue", "/dev/mqueue"),
            _mount("sysfs", "/sys"),
            _mount("cgroup", "/sys/fs/cgroup"),
            _mount("tmpfs", "/tmp", "mode=1777", "size=2g", "nr_inodes=200000"),
            _mount("bind", "/tmp/attacks", "rbind", "ro", source=attacks),
            _mount("bind", "/run", "rbind", "ro", source=run),
        ],
        "linux": {
            "cgroupsPath": "/" + name,
            "namespaces": [{"type": one} for one in ("pid", "mount", "network", "ipc", "uts")],
            "devices": [_device("kmsg", KMSG), _device("fuse", FUSE)],
            "resources": {
                "devices": [
                    {"allow": False, "access": "rwm"},
                    {"allow": True, "access": "m"},
                    {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "r"},
                    {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"},
                ]
            },
        },
    }


class _Engine:
    """A socket where the control finds the container engine's: it answers whoever asks."""

    def __init__(self, folder):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(os.path.join(folder, "docker.sock"))
        self._socket.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                asking, _ = self._socket.accept()
            except OSError:
                return
            with asking:
                try:
                    asking.recv(4096)  # closing with it unread would take the answer back
                    asking.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                except OSError:
                    pass  # who only connects has gone

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def run(rootfs, attacks, files, work):
    """{file: {"status", "value"…}} of `files`, which lie in the directory `attacks`."""
    name = "caisson-control-" + secrets.token_hex(4)
    bundle, engine_dir, state = (os.path.join(work, one) for one in ("bundle", "run", "runc"))
    for folder in (bundle, engine_dir):
        os.mkdir(folder)
    with open(os.path.join(bundle, "config.json"), "w") as file:
        json.dump(_config(name, rootfs, attacks, engine_dir, files), file)
    engine = _Engine(engine_dir)
    runc = ["runc", "--root", state]
    try:
        ended = subprocess.run(
            [*runc, "run", "--bundle", bundle, name],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        text, problem = ended.stdout, ended.stderr
    except subprocess.TimeoutExpired as late:
        text, problem = (late.stdout or b"").decode(), "it took over 180 s"
    finally:
        subprocess.run([*runc, "delete", "--force", name], capture_output=True)
        engine.close()
    answers = {}
    for line in text.splitlines():
        answer = json.loads(line)
        answers[answer.pop("file")] = answer
    if not answers:
        raise RuntimeError("the control container did not run: " + problem.strip()[-400:])
    return answers
