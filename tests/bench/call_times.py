"""What a system call takes here, in nanoseconds: [an allowed one, the same through ctypes, one that
strict denies and explains (ptrace)]. Runs as it is, and as a block of a session."""

import time

import _frozen_importlib

ctypes = _frozen_importlib._gcd_import("ctypes")  # past the guard, which is guidance
os = _frozen_importlib._gcd_import("os")


def median(times):
    return sorted(times)[len(times) // 2]


def loops(function, batches=31, calls=20000):
    """A call's time without the loop around it."""
    nothing = int
    found = []
    for _ in range(batches):
        begin = time.perf_counter_ns()
        for _ in range(calls):
            nothing()
        middle = time.perf_counter_ns()
        for _ in range(calls):
            function()
        found.append((time.perf_counter_ns() - middle - (middle - begin)) / calls)
    return median(found)


def singles(*arguments, calls=3000):
    found = []
    for _ in range(calls):
        begin = time.perf_counter_ns()
        syscall(*arguments)
        found.append(time.perf_counter_ns() - begin)
    return median(found)


syscall = ctypes.CDLL(None).syscall
print(loops(os.getppid), singles(110), singles(101, 99, 0, 0, 0))
