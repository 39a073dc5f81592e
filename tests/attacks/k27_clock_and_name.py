# id: K-27
# title: set the clock and the host's name (with arguments that can't succeed)
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"settimeofday": ["EPERM"], "clock_settime": ["EPERM"], "adjtimex": ["EPERM"],
#   "clock_adjtime": ["EPERM"], "sethostname": ["EPERM"], "setdomainname": ["EPERM"]}
# control: {"settimeofday": ["EINVAL"], "clock_settime": ["EINVAL"], "adjtimex": ["ok"],
#   "clock_adjtime": ["ok"], "sethostname": ["EINVAL"], "setdomainname": ["EINVAL"]}
# explained: ["adjtimex", "clock_adjtime", "clock_settime", "setdomainname", "sethostname",
#   "settimeofday"]

NO_TIME = struct.pack("<qq", 0, 1 << 40)  # more micro- and nanoseconds than a second has
ONLY_READ = ctypes.create_string_buffer(256)

{
    "settimeofday": attempt("settimeofday", NO_TIME, None),
    "clock_settime": attempt("clock_settime", 0, NO_TIME),
    "adjtimex": attempt("adjtimex", ONLY_READ),
    "clock_adjtime": attempt("clock_adjtime", 0, ONLY_READ),
    "sethostname": attempt("sethostname", b"attack", 1 << 16),
    "setdomainname": attempt("setdomainname", b"attack", 1 << 16),
}
