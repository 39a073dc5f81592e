# id: R-09
# title: leave a daemon behind
# attacker: A3
# boundary: B7
# layer: init's sweep after the block
# leaf: session.strays
# expect: {"daemon": ["gone"]}
# expect if session.strays=keep: {"daemon": ["alive"]}
# control: {"daemon": ["alive"]}


def daemon():
    """A grandchild with a session of its own: its pid."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            for fd in range(3):
                os.close(fd)
            call("nanosleep", struct.pack("<qq", 5, 0), None)
        else:
            os.write(writing, b"%d" % pid)
        os._exit(0)
    os.wait()
    pid = int(os.read(reading, 16))
    os.close(reading)
    os.close(writing)
    return pid


left = daemon()

# next block
{"daemon": "alive" if attempt("kill", left, 0) == "ok" else "gone"}
