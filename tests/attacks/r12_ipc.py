# id: R-12
# title: fill System V memory, queues and semaphores, and POSIX queues
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"shmget": ["EPERM"], "msgget": ["EPERM"], "semget": ["EPERM"], "mq_open": ["EPERM"]}
# control: {"shmget": ["ok"], "msgget": ["ok"], "semget": ["ok"], "mq_open": ["ok"]}
# explained: ["shmget", "msgget", "semget", "mq_open"]


PRIVATE, CREATE = 0, 0o1000


{
    "shmget": attempt("shmget", PRIVATE, 64 << 20, CREATE | 0o600),
    "msgget": attempt("msgget", PRIVATE, CREATE | 0o600),
    "semget": attempt("semget", PRIVATE, 8, CREATE | 0o600),
    "mq_open": attempt_fd("mq_open", b"attack", os.O_CREAT | os.O_RDWR, 0o600, None),
}
