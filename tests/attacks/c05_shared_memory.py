# id: C-05
# title: find memory that is shared with a checkpoint
# attacker: A3
# boundary: B7
# layer: seccomp, fork
# leaf: session.checkpoints
# needs: checkpoints
# expect: {"shm_open": ["EACCES", "ENOENT", "EPERM"], "shmget": ["EPERM"],
#   "userfaultfd": ["EPERM"], "own copy": ["private"]}
# expect if filesystem.mounts./dev/shm.type=tmpfs: {"shm_open": ["ok"]}
# control: {"shm_open": ["ok"], "shmget": ["ok"], "userfaultfd": ["ok"], "own copy": ["private"]}
# gap: {"own copy": "a fork is private everywhere"}
# explained: ["shmget", "userfaultfd"]
# dies: yes

page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def change_in_child():
    page[0] = 1
    return "ok"


in_child(change_in_child)
{
    "shm_open": opens("/dev/shm/state", os.O_RDWR | os.O_CREAT),
    "shmget": attempt("shmget", 1, 4096, 0o1600),
    "userfaultfd": attempt_fd("userfaultfd", 1),
    "own copy": "private" if page[0] == 0 else "shared",
}
