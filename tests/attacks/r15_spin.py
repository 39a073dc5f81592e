# id: R-15
# title: spin with every signal blocked
# attacker: A1
# boundary: B10
# layer: init's clock outside of the interpreter
# leaf: time.block
# outcome: {"status": ["timeout_wall"], "state.change": ["rolled_back"],
#   "usage.wall_ms": ["<=6000"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"ended": ["lost"]}
# timeout: 1


signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
while True:
    pass
{}
