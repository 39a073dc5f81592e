# id: R-02
# title: share the memory out among processes, so that the checkpoint is what the kernel kills
# attacker: A3
# boundary: B10
# layer: init's watch of all processes, oom_score_adj
# leaf: resources.memory.max
# outcome: {"status": ["out_of_memory"], "state.change": ["rolled_back"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"bytes": [">1400000000"]}
# last: it dies of it


PROCESSES, PIECE = 6, 250 << 20

pids = []
for _ in range(PROCESSES):
    pid = os.fork()
    if pid == 0:
        mine = bytearray(PIECE)
        for at in range(0, PIECE, 4096):
            mine[at] = 1
        signal.pause()
    pids.append(pid)


def resident(pid):
    try:
        with open("/proc/%d/statm" % pid) as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0


def wait():
    """Until all of them have what they want; in the sandbox it does not come to that."""
    for _ in range(200):
        total = sum(map(resident, pids))
        if total >= PROCESSES * PIECE * 0.95:
            break
        call("nanosleep", struct.pack("<qq", 0, 50_000_000), None)
    for pid in pids:
        os.kill(pid, 9)
    return total


{"bytes": wait()}
