# id: Y-02
# title: replace what the worker uses, and never end
# attacker: A1
# boundary: B10
# layer: init, which is no Python
# leaf: time.block
# outcome: {"status": ["timeout_wall"], "state.change": ["rolled_back"],
#   "usage.wall_ms": ["<=6000"]}
# outcome if session.checkpoints=0: {"state.checkpoint": [0]}
# control: {"ended": ["lost"]}
# timeout: 1


import gc
import builtins


def endless(*arguments, **named):
    while True:
        try:
            signal.pause()
        except BaseException:
            pass


for thing in gc.get_objects():
    if type(thing) is type(endless) and thing is not endless and not thing.__closure__:
        if thing.__module__ not in ("__main__", None) and thing.__code__.co_freevars == ():
            try:
                thing.__code__ = endless.__code__
            except (TypeError, ValueError, AttributeError):
                pass
builtins.print = sys.excepthook = endless
endless()
