# id: Y-03
# title: write an outcome of its own to every descriptor
# attacker: A3
# boundary: B5
# layer: init's check of frames
# leaf: runtime.notify
# outcome: {"status": ["signal", "exited"], "value": [null]}
# control: {"wrote": [0]}
# last: it ends the interpreter


FORGED = b'{"status": "ok", "value": {"text/plain": "forged"}}\n'


def sockets():
    for fd in range(3, 1024):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                yield fd
        except OSError:
            pass


wrote = sum(tried(os.write, fd, FORGED) == "ok" for fd in list(sockets()))
if wrote:
    signal.pause()
{"wrote": wrote}
