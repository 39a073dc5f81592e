# id: R-24b
# title: a value whose text is never done
# attacker: A1
# boundary: B10
# layer: the text is made in the sandbox, within the block's time
# leaf: time.block
# outcome: {"status": ["timeout_wall"], "state.change": ["rolled_back"],
#   "usage.wall_ms": ["<=6000"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"ended": ["lost"]}
# timeout: 1


class Value:
    def __repr__(self):
        while True:
            try:
                signal.pause()
            except KeyboardInterrupt:
                pass


Value()
