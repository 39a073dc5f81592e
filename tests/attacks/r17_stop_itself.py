# id: R-17
# title: stop itself, so that no limit of its own strikes
# attacker: A1
# boundary: B10
# layer: init's clock outside of the interpreter
# leaf: time.block
# outcome: {"status": ["timeout_wall"], "usage.wall_ms": ["<=6000"]}
# control: {"ended": ["lost"]}
# timeout: 1


os.kill(os.getpid(), 19)
while True:
    signal.pause()
{}
