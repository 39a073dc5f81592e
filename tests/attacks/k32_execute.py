# id: K-32
# title: run a new program, from a file and from memory
# attacker: A3
# boundary: B8
# layer: inner filter
# leaf: process.exec
# expect: {"execve": ["EPERM", "EACCES"], "execveat": ["EPERM", "EACCES"],
#   "memfd": ["EPERM", "EACCES"], "interpreter": ["EPERM", "EACCES"]}
# expect if process.exec=allow: {"execveat": ["executed"], "memfd": ["executed"],
#   "interpreter": ["executed"]}
# control: {"execve": ["executed"], "execveat": ["executed"], "memfd": ["executed"],
#   "interpreter": ["executed"]}
# explained: ["execve", "execveat"]

# The smallest program for x86-64: mov edi, 42; mov eax, 60; syscall.
CODE = b"\xbf\x2a\0\0\0\xb8\x3c\0\0\0\x0f\x05"
PROGRAM = (
    b"\x7fELF\2\1\1" + bytes(9)
    + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 132, 132, 4096)
    + CODE
)  # fmt: skip


def runs(function):
    said = in_child(function)
    return "executed" if said == "exit 42" else said


def words(*texts):
    pointers = (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
    return ctypes.byref(pointers)


def from_file():
    path = b"/tmp/attack-k32-%d" % os.getpid()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o700)
    os.write(fd, PROGRAM)
    os.close(fd)
    return attempt("execve", path, words(path), words())


def in_memory():
    fd = os.memfd_create("attack", 0)
    os.write(fd, PROGRAM)
    return fd


def by_descriptor():
    return attempt("execveat", in_memory(), b"", words(b"x"), words(), 0x1000)


def by_proc():
    return attempt("execve", b"/proc/self/fd/%d" % in_memory(), words(b"x"), words())


def interpreter():
    path = os.path.realpath(sys.executable).encode()
    return attempt("execve", path, words(path, b"-I", b"-c", b"import os; os._exit(42)"), words())


{
    "execve": runs(from_file),
    "execveat": runs(by_descriptor),
    "memfd": runs(by_proc),
    "interpreter": runs(interpreter),
}
