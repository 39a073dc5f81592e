# id: K-11
# title: open a performance counter
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"perf_event_open": ["EPERM"]}
# control: {"perf_event_open": ["ok"]}
# explained: ["perf_event_open"]

cpu_clock = struct.pack("<II", 1, 64).ljust(128, b"\0")

{"perf_event_open": attempt_fd("perf_event_open", cpu_clock, 0, -1, -1, 0)}
