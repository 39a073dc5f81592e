# id: R-18
# title: sleep for ever, after waiting for input that does not come
# attacker: A1
# boundary: B10
# layer: init's clock outside of the interpreter
# leaf: time.block
# outcome: {"status": ["timeout_wall"], "state.change": ["rolled_back"],
#   "usage.wall_ms": ["<=6000"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"ended": ["lost"]}
# timeout: 1


print("input: %r" % os.read(0, 10))
while True:
    try:
        call("nanosleep", struct.pack("<qq", 10**6, 0), None)
    except KeyboardInterrupt:
        pass
{}
