# id: C-06
# title: write frames of a checkpoint to init: "I sleep", "I am awake", "fork me"
# attacker: A3
# boundary: B5
# layer: init's check of frames; the head that does it is killed
# leaf: session.checkpoints
# outcome: {"status": ["signal"], "signal": [9]}
# control: {"sockets": ["none"]}
# last: it ends the interpreter


def pairs():
    for fd in range(3, 1024):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                yield fd
        except OSError:
            pass


found = list(pairs())
for fd in found:
    for kind in (50, 51, 52, 53, 68, 73, 77):
        frame = struct.pack("<IBBHIIQQ", 0x314E5343, kind, 0, 1, 8, 0, 0, 0) + bytes(8)
        tried(os.write, fd, frame)
if found:
    call("pause")
{"sockets": "some" if found else "none"}
